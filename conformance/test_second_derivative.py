"""Derivatives of the gradient, along random directions, are those of the contract."""

from conformance.outcome import finish


def test_second_derivative(row, report):
    for case in row.cases():
        row.feed(case)
    report(finish(row))
