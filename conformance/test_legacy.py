"""The deprecated pair size_average and reduce means what the documentation says it does."""

from conformance.outcome import finish


def test_legacy(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
