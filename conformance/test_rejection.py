"""What eager torch refuses is refused, and by torch itself what its documentation rules out."""

from conformance.outcome import finish


def test_rejection(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
