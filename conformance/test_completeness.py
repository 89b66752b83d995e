"""Every differentiable argument gets its gradient, in all the ways in which one may ask for it."""

from conformance.outcome import finish


def test_completeness(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
