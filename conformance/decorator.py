"""How do the checks of losses become tests in somebody's own test file?  By parametrising one of its functions.

    from conformance import Subject, loss_checks

    @loss_checks([Subject(MyHuber, like="HuberLoss"), Subject(MyTriplet, like="TripletMarginLoss")])
    def test_losses(subject, check):
        check(subject)

The model is scikit-learn's ``parametrize_with_checks``.  It needs nothing but pytest: no plugin, no options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from conformance.gate import check_loss, selection
from conformance.items import items
from conformance.subject import Subject

#: (subject's name or loss, check) or a check alone, and the reason why it is expected to fail.
Deviations = Mapping[str | tuple[str, str], str]


@dataclass(frozen=True)
class LossCheck:
    """One check, to be put to a subject: it fails, or skips, as a test does."""

    name: str
    options: tuple[tuple[str, object], ...]

    def __call__(self, subject: Subject) -> None:
        report = check_loss(subject, checks=(self.name,), **dict(self.options))
        if not report.ok:
            pytest.fail(str(report), pytrace=False)
        if all(row["verdict"] == "skip" for row in report.rows):
            pytest.skip(next((row["message"] for row in report.rows if row["message"]), "nothing to verify"))


def loss_checks(
    subjects: Iterable[Subject],
    *,
    expected_deviations: Deviations | None = None,
    checks: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    reductions: Sequence[str] = (),
    device: str = "cpu",
    budget: str = "smoke",
    seed: int = 0,
) -> Callable:
    """Decorate ``test(subject, check)``, whose body calls ``check(subject)``: one item for each of both.

    ``expected_deviations`` maps a check, or (name of a subject or of its loss, check), to the reason why it is
    expected to fail: ``xfail(strict=True)``, so that one which passes again fails.  The other arguments are those
    of :func:`conformance.check_loss`.  Raises ValueError with one line for unknown names, and for an expected
    deviation that is about no item.
    """
    expected = dict(expected_deviations or {})
    options = {"dtypes": dtypes, "reductions": reductions, "device": device, "budget": budget, "seed": seed}
    found, met = [], set()
    for subject in [s if isinstance(s, Subject) else Subject(s) for s in subjects]:
        chosen = selection(subject, checks, dtypes, reductions, device, budget, seed, None)
        for check in [c for c in chosen.checks if items(chosen, c)]:
            names = (subject.name, short(subject), subject.loss)
            keys = [k for k in (check, *((name, check) for name in names)) if k in expected]
            met |= set(keys)
            marks = [pytest.mark.xfail(strict=True, reason=expected[k]) for k in keys[:1]]
            given = LossCheck(check, tuple(options.items()))
            found.append(pytest.param(subject, given, marks=marks, id=f"{short(subject)}-{check}"))
    unknown = [k for k in expected if k not in met]
    if unknown:
        raise ValueError(f"expected deviation {unknown[0]!r} is about none of the subjects and checks")
    return pytest.mark.parametrize(("subject", "check"), found)


def short(subject: Subject) -> str:
    """The last part of a subject's name, for the ids of items."""
    return subject.name.rpartition(":")[2].rpartition(".")[2]
