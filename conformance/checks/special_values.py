"""Are NaN, infinities, signed zeros, subnormal and saturated numbers answered by the right class and number?"""

import numpy as np

from conformance.case import Case
from conformance.checks.check import check
from conformance.session import Malformed, Refused
from conformance.special import SpecialCase, as_special, means
from reference.domains import Complex, Depends, Interval, OneOf

#: What is put into a case, by weight.
KINDS = ("nan", "nan", "infinity", "infinity", "infinity", "masked", "end", "zero", "tiny", "upstream")
SPARSE = 0.125


def put_specials(case: Case, question: str | None) -> Case | None:
    """The case with numbers of one kind in one or two of its float arrays, chosen by its digest."""
    rng = np.random.default_rng(int(case.digest()[:12], 16))
    kind = KINDS[rng.integers(len(KINDS))]
    own = {f: getattr(case, f) for f in Case.__dataclass_fields__}
    own["arguments"] = {k: _tamed(a) for k, a in case.arguments.items()}
    if kind == "upstream":
        own["cotangents"] = {k: _some(rng, a, (0.0, np.nan, np.inf, -np.inf)) for k, a in case.cotangents.items()}
        return as_special(Case(**own))
    names = [k for k, a in case.arguments.items() if a is not None and a.dtype == float and a.size
             and _choices(case, k, kind)]  # fmt: skip
    if not names:
        return None
    for name in rng.permutation(names)[: rng.integers(1, 3)]:
        choices = _choices(case, name, kind)
        array = own["arguments"][name]
        own["arguments"][name] = _masked(rng, array) if kind == "masked" else _some(rng, array, choices)
    return as_special(Case(**own))


def _tamed(array: np.ndarray | None) -> np.ndarray | None:
    """Numbers of ordinary size: what stands for infinity must be far beyond them."""
    return array if array is None or array.dtype != float else np.clip(array, -(2.0**60), 2.0**60)


def _choices(case: Case, name: str, kind: str) -> tuple[float, ...]:
    """The numbers of one kind that an argument may hold; none where there is no such number."""
    domain = case.layout(name).domain
    if isinstance(domain, Depends):
        domain = domain.yes if case.parameters[domain.on] else domain.no
    if kind == "nan":
        return () if isinstance(domain, OneOf) else (np.nan,)
    low, high = _ends(domain)
    meant = tuple(s * np.inf for s in (-1, 1) if means(case, domain, s * np.inf))
    if kind == "infinity":
        return meant or tuple(s for s in (-np.inf, np.inf) if low <= s <= high)
    if kind == "masked":
        return (-np.inf,) if -np.inf in meant and case.layout(name).core else ()
    if kind == "tiny":
        small = case.format.tiny * np.array([1.0, -1.0, 3.0, -7.0])
        return tuple(x for x in small if low <= x <= high)
    ends = tuple(x for x in (low, high) if low <= high and np.isfinite(x) and not getattr(domain, "open", False))
    return ends if kind == "end" else (0.0, -0.0) if low <= 0 <= high and not getattr(domain, "open", False) else ()


def _ends(domain) -> tuple[float, float]:
    """The least and the largest number of a domain of real numbers; an empty interval for others."""
    if isinstance(domain, Interval):
        return domain.low, domain.high
    return (-np.inf, np.inf) if isinstance(domain, Complex) else (1.0, -1.0)


def _some(rng, array: np.ndarray, choices) -> np.ndarray:
    """A few elements replaced, one at least."""
    marks = rng.random(array.shape) < SPARSE
    if array.size:
        marks.flat[rng.integers(array.size)] = True
    return np.where(marks, np.asarray(choices)[rng.integers(0, len(choices), array.shape)], array)


def _masked(rng, array: np.ndarray) -> np.ndarray:
    """Whole stretches of minus infinity: one class in every row, or every class in some rows."""
    axis = rng.integers(array.ndim)
    marks = np.zeros(array.shape, bool)
    marks[(slice(None),) * axis + (rng.integers(array.shape[axis]),)] = True
    return np.where(marks, -np.inf, array)


@check(
    "special_values",
    alter=put_specials,
    sample=5,
    budgets={"smoke": (1, 0, 1), "gate": (3, 0, 3), "nightly": (6, 0, 6)},
)
def compare_specials(row, case) -> None:
    """Values and gradients, by class, and by number where the truth is one."""
    fields = tuple(case.contract.fields)
    for quantity, actual in (ask(row, case, lambda s: s.values(), fields) or {}).items():
        judge(row, case, quantity, actual)
    names = case.differentiable
    wanted = tuple(f"grad_{n}" for n in names)
    for quantity, found in (ask(row, case, lambda s: s.gradients(names), wanted) or {}).items():
        if found.array is not None and not found.missing:
            judge(row, case, quantity, case.through(quantity, found.array))


def ask(row, case: Case, question, quantities):
    """The answer; who refuses numbers that are none, loudly, is right as well."""
    if not isinstance(case, SpecialCase):
        return row.answer(case, question, quantities)
    if row.item.device != "cpu" and is_asserted(case):
        row.tally(quantities[0]).refusals[
            "NaN in a bounded domain: asked on the CPU only, kernels of a GPU assert"
        ] += 1
        return None
    try:
        return question(row.session(case))
    except Refused as refused:
        row.tally(quantities[0]).refusals[str(refused)] += 1
    except Malformed as wrong:
        row.problem(case, quantities[0], str(wrong))
    return None


def is_asserted(case: Case) -> bool:
    """Whether an argument from an interval holds NaN: kernels of a GPU that assert the interval lose their context."""
    bounded = (k for k in case.arguments if np.isfinite(_ends(case.layout(k).domain)).all() and case.layout(k).floating)
    arrays = (case.arguments[k] for k in bounded if not isinstance(case.layout(k).domain, OneOf))
    return any(np.isnan(a).any() for a in arrays if a is not None)


def judge(row, case: Case, quantity: str, actual: np.ndarray) -> None:
    """Compare, NaN being right also where the contract knows no better."""
    if isinstance(case, SpecialCase) and actual.shape == case.expected(quantity).shape:
        with np.errstate(all="ignore"):
            pardoned = np.isnan(actual) & case.tolerates_nan(quantity)
            actual = np.where(pardoned, case.format.round(case.expected(quantity).value), actual)
    row.judge(case, quantity, actual)
