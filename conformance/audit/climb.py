"""Where is a subject worst?  Batched hill climbing: every unit of a population is changed, and kept where it is worse.

Each unit climbs on one objective, the test ratio or the ULP error of one quantity.  A unit that got no worse for some
time begins anew, next to a worse one of the same objective or at numbers newly drawn; the worst of an objective stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.audit.judge import METRICS
from conformance.audit.moves import mutated, reparametrised
from conformance.audit.population import Population
from conformance.audit.records import Records
from conformance.case import Case
from conformance.minimise import cost

#: Generations that a population climbs for, and without success until a unit begins anew.
GENERATIONS, PATIENCE = 48, 10
#: Once in so many generations what all units share is changed in place of them.
SHARED = 6
#: Once in so many generations new units are drawn to take numbers from.
DRAWN = 4


@dataclass
class Purse:
    """What a search may still cost, in the units of :func:`conformance.minimise.cost`: counts, never seconds."""

    left: float

    def pays(self, case: Case) -> bool:
        """Whether there is something left to judge a case; what it costs is gone then."""
        if self.left <= 0:
            return False
        self.left -= cost(case)
        return True


Objective = tuple[str, str]


@dataclass
class Climber:
    """One population on its way: ``scores``, one array over units for every objective; ``aims``: that of each unit."""

    population: Population
    records: Records
    rng: np.random.Generator
    fixed: bool = False  # what units share stays as it is: another would have to be compiled anew

    def climb(self, purse: Purse, generations: int = GENERATIONS) -> None:
        """Climb until the purse is empty, or for so many generations."""
        if not purse.pays(self.population.case):
            return
        self.scores = self.measured(self.population)
        self.records.begun(self.population.case)
        if not self.scores:
            return
        self.objectives = list(self.scores)
        self.aims = np.arange(self.population.units) % len(self.objectives)
        self.idle = np.zeros(self.population.units, int)
        for generation in range(generations):
            if generation % DRAWN == 0:
                self.fresh = self.population.drawn(self.rng)
            step = self.share if generation % SHARED == SHARED - 1 and not self.fixed else self.improve
            if not step(purse):
                return

    def measured(self, population: Population) -> dict[Objective, np.ndarray]:
        """The scores of all units of a population, by objective."""
        judged = self.records.judged(population.case, population.units)
        return {(q, m): population.worst(q, j.scores(m)) for q, j in judged.items() for m in METRICS}

    def own(self, scores: dict[Objective, np.ndarray]) -> np.ndarray:
        """The score of each unit on its own objective."""
        return np.stack([scores[o] for o in self.objectives])[self.aims, np.arange(self.population.units)]

    def improve(self, purse: Purse) -> bool:
        """Change every unit, and keep those that are worse, or as bad elsewhere; False: nothing is left to pay."""
        restarted = self.begin_anew()
        candidate = mutated(self.restarted(restarted), self.fresh, self.rng)
        if not purse.pays(candidate.case):
            return False
        scores = self.measured(candidate)
        if set(scores) != set(self.objectives):
            return True
        now, before = self.own(scores), self.own(self.scores)
        kept = (now >= before) | restarted
        self.idle = np.where((now > before) | restarted, 0, self.idle + 1)
        self.population = self.population.with_units(kept, candidate)
        self.scores = {o: np.where(kept, scores[o], self.scores[o]) for o in self.objectives}
        return True

    def begin_anew(self) -> np.ndarray:
        """The units that have got no worse for long, but the worst one of each objective."""
        own, tired = self.own(self.scores), self.idle >= PATIENCE
        for aim in range(len(self.objectives)):
            mine = np.flatnonzero(self.aims == aim)
            if mine.size:
                tired[mine[np.argmax(own[mine])]] = False
        return tired

    def restarted(self, tired: np.ndarray) -> Population:
        """The population with half of the tired units at newly drawn numbers, half at those of a worse unit."""
        if not tired.any():
            return self.population
        own, order = self.own(self.scores), np.arange(self.population.units)
        for aim in range(len(self.objectives)):
            mine = np.flatnonzero(self.aims == aim)
            order[mine] = mine[np.argmax(own[mine])] if mine.size else order[mine]
        anew = tired & (self.rng.random(tired.shape) < 0.5)
        near = self.population.with_units(tired & ~anew, self.population.arranged(order))
        return near.with_units(anew, self.fresh)

    def share(self, purse: Purse) -> bool:
        """Change what all units share, and keep it where the worst of some objective gets worse."""
        candidate = reparametrised(self.population, self.rng)
        if candidate is self.population:
            return self.improve(purse)
        if not purse.pays(candidate.case):
            return False
        scores = self.measured(candidate)
        if set(scores) == set(self.objectives) and self._gains(scores):
            self.population, self.scores = candidate, scores
        return True

    def _gains(self, scores: dict[Objective, np.ndarray]) -> bool:
        """Whether more objectives get worse than better."""
        return sum(int(np.sign(_top(scores[o]) - _top(self.scores[o]))) for o in self.objectives) > 0


def _top(scores: np.ndarray) -> float:
    return float(np.minimum(scores.max(), np.finfo(float).max))
