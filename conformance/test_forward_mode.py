"""Forward-mode derivatives of the value, along random directions, are those of the contract."""

from conformance.outcome import finish


def test_forward_mode(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
