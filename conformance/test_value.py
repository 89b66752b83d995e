"""The value is that of the contract: elementwise unreduced, and reduced over the exact terms."""

from conformance.outcome import finish


def test_value(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
