"""NaN, infinities, zeros of either sign, subnormal and saturated numbers: the class is right, and the number."""

from conformance.outcome import finish


def test_special_values(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
