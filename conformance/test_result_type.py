"""The result has the dtype, the device and the shape that the contract says."""

from conformance.outcome import finish


def test_result_type(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
