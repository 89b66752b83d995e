"""Which parts of a case can be changed apart from one another, and how is one of them put into another case?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from conformance.case import Case
from conformance.sampling import fill
from conformance.strategies import RELATIONS, Recipe, usual_regimes
from reference.reductions import Unreduced


@dataclass(frozen=True, eq=False)
class Population:
    """A case as units that are climbed apart: its rows where each is a result of its own, otherwise its calls.

    ``template``: what the units share: sizes, parameters, arguments of the constructor.  ``genes``: the positional
    arguments in row form, shape (rows, core dimensions).  ``ups``: the upstream gradients of every field, shape
    (calls, ...).  ``recipe``: what other rows of the same form are drawn by; None where there is none.
    """

    template: Case
    genes: Mapping[str, np.ndarray]
    ups: Mapping[str, np.ndarray]
    recipe: Recipe | None = None

    @classmethod
    def of(cls, case: Case, recipe: Recipe | None = None) -> Population | None:
        """The units of a case; None where a positional argument is repeated for several rows, or there are none."""
        rows = {k: case.in_rows(k).copy() for k in case.contract.positional if case.arguments[k] is not None}
        if not case.rows or any(r.size != case.arguments[k].size for k, r in rows.items()):
            return None
        return cls(case, rows, dict(case.cotangents), recipe)

    @cached_property
    def case(self) -> Case:
        arguments = {k: self.template.from_rows(k, rows) for k, rows in self.genes.items()}
        return replace(self.template, arguments={**self.template.arguments, **arguments}, cotangents=dict(self.ups))

    @cached_property
    def by_row(self) -> bool:
        """Whether every row is a unit: its results depend on no other row."""
        contract, template = self.template.contract, self.template
        unreduced = (isinstance(contract.reduction_of(template.reduction, f), Unreduced) for f in contract.fields)
        return all(unreduced) and not any(template.is_shared(k) for k in template.differentiable)

    @property
    def rows(self) -> int:
        return self.template.rows

    @property
    def units(self) -> int:
        return self.rows if self.by_row else self.template.calls

    @cached_property
    def unit_of_row(self) -> np.ndarray:
        """The unit that each row belongs to, shape (rows,)."""
        return np.arange(self.rows) // (self.rows // self.units)

    def worst(self, quantity: str, scores: np.ndarray) -> np.ndarray:
        """The largest score of each unit, shape (units,), given those of all elements of a quantity."""
        if self.by_row and quantity.startswith("grad_"):
            scores = self.template.in_rows(quantity.removeprefix("grad_"), scores)
        return scores.reshape(self.units, -1).max(axis=1)

    def places(self, marks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Marks of units as marks of an array of upstream gradients."""
        if self.by_row:
            return marks.reshape(shape)
        return np.broadcast_to(marks.reshape(-1, *(1 for _ in shape[1:])), shape)

    def with_units(self, marks: np.ndarray, other: Population) -> Population:
        """The population with some units of another one of the same form in place of its own."""
        rows = marks[self.unit_of_row]
        genes = {k: np.where(_spread(rows, g), other.genes[k], g) for k, g in self.genes.items()}
        ups = {k: np.where(self.places(marks, u.shape), other.ups[k], u) for k, u in self.ups.items()}
        return replace(self, genes=genes, ups=ups)

    def arranged(self, order: np.ndarray) -> Population:
        """The population with unit ``order[i]`` in place ``i``, shape (units,)."""
        genes = {k: g.reshape(self.units, -1)[order].reshape(g.shape) for k, g in self.genes.items()}
        ups = {k: u.reshape(self.units, -1)[order].reshape(u.shape) for k, u in self.ups.items()}
        return replace(self, genes=genes, ups=ups)

    def with_template(self, template: Case) -> Population:
        """The same units, which share something else."""
        return replace(self, template=template)

    def drawn(self, rng: np.random.Generator) -> Population:
        """Other units of the same form, of any regime; these units in another order where no recipe says how."""
        if self.recipe is None:
            return self.arranged(rng.permutation(self.units))
        contract, template = self.template.contract, self.template
        regimes = usual_regimes(contract, template.reduction)
        recipe = replace(
            self.recipe,
            seed=int(rng.integers(2**32)),
            parameters=template.parameters,
            regimes={k: regimes[rng.integers(len(regimes))] for k in self.recipe.regimes},
            relation=RELATIONS[rng.integers(len(RELATIONS))],
        )
        case = fill(contract, recipe, template.dtype, template.reduction)
        return replace(self, genes={k: case.in_rows(k).copy() for k in self.genes}, ups=dict(case.cotangents))


def _spread(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, *(1 for _ in like.shape[1:]))
