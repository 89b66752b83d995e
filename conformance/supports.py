"""What does a subject support?  What is outside is not asked of it, and the results say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conformance.case import Case
from reference import Contract

#: The checks that ask for nothing but derivatives.
OF_DERIVATIVES = ("gradient", "second_derivative", "forward_mode", "completeness", "convention")
#: What the rows of these say where a subject has none.
VALUES_ONLY = "outside what the subject supports: it has values only"


@dataclass(frozen=True, eq=False)
class Supports:
    """The part of a contract that a subject is about; what is left out is not limited.

    ``dtypes``, ``reductions``: by name.  ``dimensions``: how many the first argument of one call may have.
    ``without``: optional arguments that it does not take.  ``kinds``: for an argument that has several kinds, the
    numbers of those that it takes, in the order of the contract (0: class indices, 1: class probabilities).
    ``options``: for a parameter the values that it takes, or a function that says whether it takes one.
    ``gradients``: whether it has gradients, or the arguments for which it has them.  ``without_checks``: what it
    cannot be asked, as "second_derivative" or "forward_mode".  ``when(case)``: whatever else
    limits it, ``why`` in words.  ``also``: further limits.
    """

    dtypes: tuple[str, ...] | None = None
    reductions: tuple[str, ...] | None = None
    dimensions: tuple[int, ...] | None = None
    without: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    gradients: bool | tuple[str, ...] = True
    without_checks: tuple[str, ...] = ()
    when: Callable[[Case], bool] | None = None
    why: str = "its condition does not hold"
    also: Supports | None = None

    def unknown(self, contracts: list[Contract]) -> str | None:
        """What it names that none of the contracts of a loss has, in one line."""
        some = [*(self.gradients if isinstance(self.gradients, tuple) else ()), *self.without, *self.kinds]
        said = (
            ("dtypes", self.dtypes or (), {d for c in contracts for d in c.dtypes}),
            ("reductions", self.reductions or (), {r for c in contracts for r in c.reductions}),
            ("arguments", some, {k for c in contracts for k in c.arguments}),
            ("options", self.options, {k for c in contracts for k in c.parameters}),
        )
        for what, named, known in said:
            for name in named:
                if name not in known:
                    return (
                        f"supports: {name!r} is none of the {what} of {contracts[0].loss}: {', '.join(sorted(known))}"
                    )
        return self.also and self.also.unknown(contracts)

    def row_outside(self, check: str, dtype: str, reduction: str) -> str | None:
        """Why nothing of a row is asked; None where something may be."""
        if self.dtypes is not None and dtype not in self.dtypes:
            return _outside(f"dtype {dtype}")
        if self.reductions is not None and reduction not in self.reductions:
            return _outside(f"reduction {reduction}")
        if check in self.without_checks:
            return _outside(f"the check {check}")
        if self.gradients is False and check in OF_DERIVATIVES:
            return VALUES_ONLY
        return self.also and self.also.row_outside(check, dtype, reduction)

    def outside(self, case: Case) -> str | None:
        """Why a case is not asked; None where it is."""
        row = self.row_outside("value", case.dtype, case.reduction)
        if row is not None:
            return row
        dimensions = case.arguments[case.contract.positional[0]].ndim - 1
        if self.dimensions is not None and dimensions not in self.dimensions:
            return _outside(f"an input of {dimensions} dimensions")
        for name in self.without:
            if case.arguments[name] is not None:
                return _outside(f"with {name}")
        for name, kinds in self.kinds.items():
            if case.kinds.get(name, 0) not in kinds:
                return _outside(f"this kind of {name}")
        for name, values in self.options.items():
            value = case.parameters.get(name)
            if name in case.parameters and not (values(value) if callable(values) else value in values):
                return _outside(f"{name}={value!r}")
        if self.when is not None and not self.when(case):
            return _outside(self.why)
        return self.also and self.also.outside(case)

    def no_gradient(self, names: tuple[str, ...]) -> str | None:
        """Why the gradients of some arguments are not asked; None where they are."""
        if self.gradients is False:
            return VALUES_ONLY
        lacking = [] if self.gradients is True else [k for k in names if k not in self.gradients]
        if lacking:
            return _outside(f"the gradient of {lacking[0]}")
        return self.also and self.also.no_gradient(names)


def _outside(what: str) -> str:
    return f"outside what the subject supports: {what}"
