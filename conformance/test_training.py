"""A network that is trained with the subject gets the right loss and gradient at every step."""

from conformance.outcome import finish
from conformance.student import told, train


def test_training(row, report):
    curves = train(row)
    report(told(finish(row), curves))
