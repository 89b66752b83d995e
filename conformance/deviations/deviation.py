"""What a deviation is: a known, explained departure of torch.nn, with a witness and an allowance.

The allowance is a formula of the named cause, evaluated over the same arithmetic as the oracle's: a declared
deviation moves the oracle, it does not mute the check.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from conformance.case import Case, gradients, lift_rounded, values
from conformance.derivatives import Forward, Second, moving, tangents
from conformance.special import as_special
from conformance.verdict import THRESHOLD, within
from reference import CONTRACTS
from reference.arithmetic.dual import derivative
from reference.arithmetic.formats import format_of
from reference.arithmetic.rounded import Model, Rounded
from reference.domains import Complex

HALF = ("float16", "bfloat16")
SINGLE = ("float32", "float64")
EVERY = HALF + SINGLE

#: What the cases of a check are, where they ask something else of the same numbers.
DERIVED = {"second_derivative": Second.of, "forward_mode": Forward.of}

#: Every deviation of torch.nn by id, in the order of definition.
DEVIATIONS: dict[str, Deviation] = {}


@dataclass(frozen=True)
class Confirmed:
    """Where a deviation was seen: PEP 440 specifier of torch, and the platform; outside it still excuses."""

    torch: str = ">=2.13,<2.14"
    machine: str = "x86_64"
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class Deviation:
    """One departure.

    ``instead``: what torch computes in place of the contract's formula (``of`` "value"), of its pullback
    (``of`` "gradient"), of the terms before they are reduced (``of`` "terms": a function of terms and format),
    of the gradients (``of`` "gradients": a function of the case and of how to lift its numbers), or of the
    whole (``of`` "result": a function of the case; an infinite spread stands for any answer at all).  Where what
    departs is no number (``of`` "behaviour") it is the function that is documented, and ``says`` is the message
    of the check that it explains.  ``only``: the one check that it belongs to, where it is not every one that
    compares the quantity; ``question``: which of its questions; ``also``: others of them.
    ``steps``: the format of its intermediate results, "storage" or "working".  ``divides_last``: means are
    divided by the number of terms after everything else is computed and stored.  ``stores_sums``: sums of
    terms are stored before they are divided, in 16 bits where steps are.  ``applies``: the cases that
    it may excuse, where that takes more than a dtype and a reduction.  ``answers``: which of a subject's
    answers it may excuse.  ``share``: the largest share of the elements of a row that it may excuse.
    ``modes``: those that it belongs to, where eager mode does not have it.  ``devices``: those whose kernels have it,
    where it lies in them; None: it is excused wherever its formula explains it.  ``witness``: a case that shows it.
    ``undefined``: the answer is memory that was never set, and may be right by chance.
    """

    id: str
    loss: str
    of: str
    quantities: tuple[str, ...]
    dtypes: tuple[str, ...]
    summary: str
    explanation: str
    condition: str
    severity: str
    share: float
    instead: Callable
    witness: Callable[[], Case]
    reductions: tuple[str, ...] = ("none", "mean", "sum", "batchmean")
    steps: str = "working"
    divides_last: bool = False
    stores_sums: bool = False
    applies: Callable[[Case], bool] = lambda case: True
    answers: Callable[[np.ndarray], np.ndarray] = lambda actual: np.True_
    upstream: str | None = None
    only: str | None = None
    question: str | None = None
    also: tuple[str, ...] = ()
    says: str | None = None
    modes: tuple[str, ...] | None = None
    undefined: bool = False
    devices: tuple[str, ...] | None = None
    confirmed: Confirmed = field(default_factory=Confirmed)

    @property
    def check(self) -> str:
        """The check that replays the witness."""
        of_gradient = self.of in ("gradient", "gradients") or (self.quantities[0] or "").startswith("grad_")
        return self.only or ("gradient" if of_gradient else "value")

    def concerns(self, item, quantity: str, case: Case) -> bool:
        """Whether it is about a number that a row (``item``: its check, loss, question) compares."""
        derived = isinstance(case, Forward) and self.only is None
        return (
            self.says is None
            and self._belongs(item)
            and (self._passes_on(case, quantity) if derived else quantity in self.quantities)
            and case.dtype in self.dtypes
            and case.reduction in self.reductions
        )

    def _passes_on(self, case: Case, quantity: str) -> bool:
        """Whether a derivative inherits it: of gradients from gradients, of values also from their formula."""
        if quantity in case.contract.fields:
            return self.of in ("gradient", "value")
        return self.of in ("gradient", "gradients") and quantity in self.quantities

    def explains(self, item, quantity: str | None, message: str) -> bool:
        """Whether it is about what a row says is wrong, word by word."""
        return (
            self.says == message
            and self._belongs(item)
            and item.dtype in self.dtypes
            and item.reduction in self.reductions
        )

    def _belongs(self, item) -> bool:
        return (
            self.loss == item.contract.loss
            and self.only in (None, item.check)
            and (self.modes is None or item.mode in self.modes)
            and (self.devices is None or item.device in self.devices)
            and (self.question in (None, item.question) or item.question in self.also)
        )

    def allowance(self, case: Case, quantity: str, unsure: bool | None = None) -> Rounded:
        """What torch's own formula gives for a quantity, with its bound; shape (calls, ...).

        ``unsure``: how comparisons come out that rounding may turn; None covers both.
        """
        if not self.divides_last or case.reduction in ("none", "sum"):
            return self._evaluated(case, quantity, unsure).stored(case.format)
        whole = self._evaluated(replace(case, reduction="sum"), quantity, unsure)
        whole = whole if self.steps == "storage" else whole.rounded_to(case.format)
        divisor = case.contract.reductions[case.reduction].divisor({}, case.calls, case.shape)
        return (whole / divisor).stored(case.format)

    def _evaluated(self, case: Case, quantity: str, unsure: bool | None) -> Rounded:
        if self.of == "result":
            return self.instead(case)
        format = case.format if self.steps == "storage" else case.format.working
        derived = isinstance(case, Forward)
        kinks = derived or (case.any_subgradient and self.of in ("gradient", "gradients"))
        model = Model(format, kinks=kinks, emulate=True, unsure=unsure, exact=not case.any_subgradient)
        if not derived or self.only:
            return self._found(case, lift_rounded(model))[quantity]
        if self.of == "gradient" and quantity in case.contract.fields:
            return tangents(case, case.directions, lift_rounded(model), self._pullback(case))[quantity]
        return derivative(self._found(moving(case, case.directions), lift_rounded(model))[quantity])

    def _found(self, case: Case, lift: Callable) -> dict[str, object]:
        """All quantities that the formula is about."""
        if self.of == "gradients":
            return self.instead(case, lift)
        if self.of == "gradient":
            return gradients(case, lift, pullback=self.instead)
        if self.of == "terms":
            return values(case, lift, formula=self._terms(case))
        narrow = self.divides_last or self.stores_sums or case.format == case.format.working
        return values(case, lift, formula=self.instead if narrow else self._widely)

    def _pullback(self, case: Case) -> Callable:
        """All gradients: the contract's where torch's formula is not about them."""
        return lambda up, **given: case.contract.pullback(up, **given) | self.instead(up, **given)

    def _widely(self, **given) -> Rounded:
        """The terms, to be summed in the working format: only their steps are stored in a narrower one."""
        terms = self.instead(**given)
        return Rounded(terms.value, terms.error, replace(terms.model, wide=True), terms.spread)

    def _terms(self, case: Case) -> Callable:
        return lambda **given: self.instead(case.contract.formula(**given), case.format)

    def excuses(self, case: Case, quantity: str, actual: np.ndarray) -> np.ndarray:
        """Where the answer is what the named cause makes of the truth, within that formula's own bound."""
        if not self.applies(case):
            return np.zeros(actual.shape, bool)
        allowed = self.allowance(case, quantity)
        excused = self._covers(case, allowed, actual)
        if allowed.spread is not None and np.any(~excused & (allowed.spread > 0)):
            for unsure in (True, False):  # each branch by itself may overflow where their middle does not
                excused |= self._covers(case, self.allowance(case, quantity, unsure), actual)
        if allowed.spread is not None and not case.any_subgradient:  # which of them it takes is what is asked
            excused &= allowed.spread == 0
        return excused & self.answers(actual)

    def _covers(self, case: Case, allowed: Rounded, actual: np.ndarray) -> np.ndarray:
        """Where an answer is within the bound of torch's own formula, or overflows as it does."""
        with np.errstate(all="ignore"):
            stored = case.format.round(allowed.value)
            same = (actual == stored) | np.isnan(actual) & np.isnan(stored)
            limit = case.format.max * (1 + case.format.unit / 2)
            overflowed = np.isinf(actual) & (np.sign(actual) == np.sign(allowed.value))
            overflowed &= abs(allowed.value) + THRESHOLD * allowed.error >= limit
            overflowed &= np.isfinite(allowed.error)
        unset = allowed.spread is not None and np.isinf(allowed.spread)
        if isinstance(case, Forward):  # which of them depends on the order, that of backward is another one
            same |= ~np.isfinite(stored) & ~np.isfinite(actual)
        return within(allowed, actual) | same | overflowed | unset


def deviation(
    loss: str,
    *,
    of: str,
    witness: Mapping[str, object],
    quantities: tuple[str, ...] | None = None,
    dtypes: tuple[str, ...] = EVERY,
    name: str | None = None,
    **rest,
) -> Callable[[Callable], Callable]:
    """Register ``instead``, the decorated formula, as a deviation of one loss of torch.nn.

    Its docstring is the summary (first line) and the explanation (the rest); its name, or ``name``, after
    the loss, is the id.  ``witness`` gives the arguments of :func:`witness_case`.
    """

    def register(instead: Callable) -> Callable:
        text = inspect.getdoc(instead) or ""
        summary, _, explanation = text.partition("\n")
        id = f"{loss}-{(name or instead.__name__).replace('_', '-')}"
        if id in DEVIATIONS:
            raise ValueError(f"{id} is registered twice")
        DEVIATIONS[id] = Deviation(
            id=id, loss=loss, of=of, quantities=quantities or (None if of == "behaviour" else "value",),
            dtypes=dtypes, summary=summary,
            explanation=explanation.strip(), instead=instead,
            witness=lambda: DERIVED.get(rest.get("only"), as_special)(witness_case(loss, dtypes[0], **witness)), **rest,
        )  # fmt: skip
        return instead

    return register


def stored_terms(loss: str, *, witness: Mapping[str, object], **rest) -> None:
    """Register that 16-bit terms are stored, and may overflow, before they are reduced in float32."""

    @deviation(
        loss, of="terms", name="terms-overflow", witness={"reduction": "mean", **witness},
        **{"dtypes": ("float16",), "reductions": ("mean", "sum", "batchmean"), "severity": "nan", "share": 0.25,
           "condition": "a term of the unreduced loss exceeds the 16-bit format", **rest},
    )  # fmt: skip
    def instead(terms, format):
        """The mean overflows although it is representable.

        The unreduced terms are stored in 16 bits before they are summed: one that exceeds the format is
        infinite, and so is the mean, where an accumulator in float32 would give a finite number.
        """
        return terms.rounded_to(format)


def witness_case(loss: str, dtype: str, reduction: str = "none", cotangent=None, **arguments) -> Case:
    """A case of one call from literal numbers; what is left out has the contract's default or is absent.

    Numbers are rounded to the dtype.  ``cotangent``: of every field, or by the names of fields; ones where it
    is left out.
    """
    contract = next(c for c in CONTRACTS.values() if c.loss == loss and dtype in c.dtypes)
    given, kinds, sizes = {}, {}, {}
    for name, declared in contract.arguments.items():
        if arguments.get(name) is None:
            given[name] = None
            continue
        array = np.asarray(arguments[name])
        array = format_of(dtype).round(array.astype(float)) if array.dtype.kind == "f" else array
        kind = next(i for i, k in enumerate(declared.kinds) if k.floating == (array.dtype == float) and _fits(k, array))
        kinds[name] = kind
        parts = isinstance(declared.kinds[kind].domain, Complex)  # the last dimension: real, imaginary
        _measure(declared.kinds[kind].layout, array.shape[:-1] if parts else array.shape, sizes)
        given[name] = array[None] if name in contract.positional else array
    parameters = {k: arguments.get(k, contract.defaults.get(k)) for k in contract.parameters}
    shape = sum((sizes[d.name] for d in contract.arguments[contract.positional[0]].loops), ())
    case = Case(contract.name, dtype, reduction, 1, sizes, given, parameters, {}, kinds)
    for name in contract.fields:
        up = cotangent[name] if isinstance(cotangent, Mapping) else cotangent
        up = np.ones(case.result_shape(name)) if up is None else format_of(dtype).round(np.asarray(up, float))
        case.cotangents[name] = up.reshape(1, *case.result_shape(name))
    assert case.shape == shape
    return as_special(case)


def _fits(array, given: np.ndarray) -> bool:
    fixed = [d for d in array.layout if not d.starred and not d.optional]
    return len(fixed) <= given.ndim


def _measure(layout, shape, sizes: dict) -> None:
    """Read the sizes of the dimensions off a shape: optional ones first give way, then starred ones."""
    spare = len(shape) - sum(1 for d in layout if not d.starred and not d.optional)
    taken = list(shape)
    for dim in layout:
        if dim.optional:
            count = 1 if spare > 0 else 0
            spare -= count
        else:
            count = spare if dim.starred else 1
        size = tuple(taken[:count])
        del taken[:count]
        if dim.name not in sizes or any(s > 1 for s in size):
            sizes[dim.name] = size
