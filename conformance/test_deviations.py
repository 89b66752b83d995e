"""Every recorded deviation of torch.nn still shows on its witness; one that is gone is news."""

from conformance.staleness import replay


def test_deviations(deviation, report):
    report(replay(deviation))
