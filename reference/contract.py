"""What a loss promises, said once, as the header of the formula that says what it means.

>>> @contract(torch="HuberLoss", input=REAL["*n"], target=REAL["*n"], delta=POSITIVE)
... def huber_loss(input, target, *, delta=1.0): ...

**Row form.** A formula is written for one row and evaluated on all rows at once.  Every array argument
arrives with a leading dimension of rows, ``R``, followed by its core dimensions (the names in parentheses
in its layout); the result has shape ``(R,)``: the terms of the unreduced loss.  Arguments that have no
other than core dimensions (``weight``) are repeated for every row.  So ``REAL["n? (c) *d"]`` is ``(R, C)``
in the formula, whatever the number of dimensions of the call.

Positional arguments are those of ``forward``; keyword-only ones are those of the constructor.  Arguments
with a layout are arrays, the others are parameters.  Defaults are the function's own.

Gradients are those of the pullback, where one is written by hand (``@huber_loss.vjp``).  Without one the formula is
differentiated step by step, which gives the bound, and what is expected is the gradient of the mirror, a JAX
function (``@huber_loss.mirror``), or, without a mirror and in float64, that of certified differences.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reference.derived import by_mirror, step_by_step
from reference.domains import Array, Domain, OneOf
from reference.reductions import NONE, STANDARD, Reduction

#: Every contract by name, in the order of definition.
CONTRACTS: dict[str, Contract] = {}

DTYPES = ("float32", "float64", "float16", "bfloat16")
COMPLEX_DTYPES = ("complex64", "complex128")


@dataclass(frozen=True)
class Field:
    """One field of the result: ``sign`` times the terms, reduced by ``reduction`` (None: the one asked for)."""

    sign: int = 1
    reduction: Reduction | None = None


@dataclass(eq=False)
class Contract:
    """One loss: what it takes, the formula of its terms, their pullback, and how they are reduced.

    ``promises`` maps (quantity or "*", dtype) to (grade, reason) where less than grade B is promised.
    ``parameters_of_module`` names the arrays that a module keeps as parameters, by contract argument.
    ``sizes`` maps a dimension whose size follows from those of others to the function of them, by name.
    ``through`` maps an argument to ``f(gradient, given)``, applied to the gradients of subjects (shape and
    layout of rows) before they are compared: what a gradient means where only a part of it is defined.
    ``least`` gives the smallest size of a dimension where that is not 0 (or 1, of a core dimension).
    ``convention`` says which subgradient torch chooses at ties, where there are any; the pullback, as it is
    written, chooses the same.
    ``differentiable`` names the arguments that have a gradient where no pullback says so: all real ones by default.
    Leave out what a weighted mean divides by: the gradient is that of the terms.
    """

    formula: Callable
    domains: Mapping[str, Array | Domain]
    torch: str | None = None
    reductions: Mapping[str, Reduction] = field(default_factory=lambda: STANDARD)
    dtypes: tuple[str, ...] = DTYPES
    promises: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    parameters_of_module: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Field] = field(default_factory=lambda: {"value": Field()})
    sizes: Mapping[str, Callable[[Mapping[str, int]], int]] = field(default_factory=dict)
    through: Mapping[str, Callable] = field(default_factory=dict)
    least: Mapping[str, int] = field(default_factory=dict)
    convention: str = ""
    differentiable: tuple[str, ...] | None = None
    pullback: Callable | None = None
    mirrored: Callable | None = None

    def __post_init__(self):
        signature = inspect.signature(self.formula).parameters
        if list(signature) != list(self.domains):
            raise TypeError(f"{self.name} takes {list(signature)}, but its contract is about {list(self.domains)}")
        self.defaults = {k: p.default for k, p in signature.items() if p.default is not p.empty}
        self.positional = tuple(k for k, p in signature.items() if p.kind is not p.KEYWORD_ONLY)

    @property
    def name(self) -> str:
        """The name of the formula, which is also the mirror's."""
        return self.formula.__name__

    @property
    def loss(self) -> str:
        """The name that results use: torch.nn's, or the contract's own."""
        return self.torch or self.name

    @property
    def family(self) -> str:
        """The module, in ``in_numpy`` and in ``in_jax``, that the contract is in."""
        return self.formula.__module__.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """The first line of the formula's docstring."""
        return (inspect.getdoc(self.formula) or "").partition("\n")[0]

    @property
    def arguments(self) -> dict[str, Array]:
        return {k: d for k, d in self.domains.items() if isinstance(d, Array)}

    @property
    def parameters(self) -> dict[str, Domain]:
        return {k: d for k, d in self.domains.items() if isinstance(d, Domain)}

    def reduction_of(self, name: str, field: str) -> Reduction:
        return self.fields[field].reduction or self.reductions.get(name, NONE)

    def promise(self, quantity: str, dtype: str) -> tuple[str, str | None]:
        """The grade that is promised, and the reason where it is less than B."""
        for key in ((quantity, dtype), ("*", dtype)):
            if key in self.promises:
                return self.promises[key]
        return "B", None

    @property
    def slopes(self) -> tuple[str, ...]:
        """The arguments that have a gradient, if they are given and real, where no pullback says so."""
        if self.differentiable is not None:
            return self.differentiable
        return tuple(k for k, a in self.arguments.items() if any(_moves(kind) for kind in a.kinds))

    @property
    def has_gradient(self) -> bool:
        return self.pullback is not None or bool(self.slopes)

    @property
    def pull(self) -> Callable:
        """The pullback over any arithmetic: the one written by hand, or the formula differentiated step by step."""
        return self.pullback or step_by_step(self.formula, self.slopes)

    @property
    def pull_mirror(self) -> Callable:
        """The pullback of the mirror, in float64.  Raises TypeError where there is none."""
        if self.mirrored is None:
            raise TypeError(f"{self.name} has no mirror")
        return by_mirror(self.mirrored, self.slopes)

    def mirror(self, function: Callable) -> Callable:
        """Decorator: a JAX function of all arguments in row form, as the formula has them, that returns its terms by
        another formula.  What is expected of gradients is its derivative, by autodiff in float64."""
        self.mirrored = function
        return function

    def vjp(self, pullback: Callable) -> Callable:
        """Decorator: ``pullback(cotangent, ...)`` returns the gradient in row form of every argument that
        has one, by name; ``cotangent`` has shape ``(R,)``.  All arguments are passed, None included."""
        self.pullback = pullback
        return pullback


def contract(**kwargs) -> Callable[[Callable], Contract]:
    """Turn a NumPy formula into a registered :class:`Contract`.

    ``torch``, ``reductions``, ``dtypes``, ``promises``, ``parameters_of_module``, ``fields``, ``sizes``,
    ``through``, ``least``, ``convention`` and ``differentiable`` are the fields of :class:`Contract`; everything
    else is a domain or a layout, one for each argument of the formula, in its order.  Raises TypeError when they
    differ, ValueError when the name is taken.
    """
    own = set(Contract.__dataclass_fields__) - {"formula", "domains", "pullback", "mirrored"}
    options = {k: v for k, v in kwargs.items() if k in own}
    domains = {k: v for k, v in kwargs.items() if k not in own}

    def register(formula: Callable) -> Contract:
        new = Contract(formula, domains, **options)
        for old in CONTRACTS.values():
            if old.name == new.name or (old.loss == new.loss and set(old.dtypes) & set(new.dtypes)):
                raise ValueError(f"{new.name}: {old.loss} already has a contract, {old.name}")
        CONTRACTS[new.name] = new
        return new

    return register


def _moves(array: Array) -> bool:
    """Whether the elements of an array may be moved by any amount."""
    return array.floating and not isinstance(array.domain, OneOf)
