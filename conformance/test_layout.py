"""Value and gradients are those of the contract in whatever memory layout the tensors are handed over."""

from conformance.outcome import finish


def test_layout(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
