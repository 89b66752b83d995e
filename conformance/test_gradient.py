"""The gradient of every differentiable argument is that of the contract, for a random upstream gradient."""

from conformance.outcome import finish


def test_gradient(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
