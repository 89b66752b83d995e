"""Sum and mean are those of the terms that the subject itself returns unreduced."""

from conformance.outcome import finish


def test_reduction(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
