"""Every recorded deviation of torch.nn still shows on its witness, and every declared one changes something."""

from conformance.staleness import replay


def test_deviations(deviation, report):
    report(replay(deviation))


def test_declarations(declaration, report):
    from conformance.declarations import judge

    report(judge(declaration))
