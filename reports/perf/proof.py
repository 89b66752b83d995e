"""Does the gate work?  Its trials on identical code and on code made slower on purpose, summed up from raw data."""

from dataclasses import dataclass
from math import expm1, isfinite, log
from pathlib import Path
from statistics import median

from scipy.special import betaincinv

from reports import words
from reports.document import UnreadableError, parsed, text, typed
from reports.grouping import grouped
from reports.perf.benchmarks import REAL, SCHEMA, TEXT

EXACT = ("0", "1")
"""Tiers that count; tier 2 measures."""

_TRIAL = {
    "kind": str,
    "tier": int | str,
    "injection": TEXT,
    "family": TEXT,
    "size_percent": REAL,
    "cell": str,
    "bound": TEXT,
    "log_ratios": list | None,
    "flagged": bool,
    "seconds": REAL,
    "fingerprint": TEXT,
    "date": TEXT,
}


@dataclass(frozen=True)
class Proof:
    """All trials in a folder, and a warning for each line that is none."""

    trials: list
    warnings: list

    @property
    def identical(self) -> list:
        """Trials on identical code."""
        return [each for each in self.trials if each["kind"] == "aa"]

    def alarms(self) -> list:
        """False alarms by tier: (tier, trials, cells judged to differ, share in percent, its upper 95 % bound)."""
        by_tier = grouped(sorted(self.identical, key=_tier), _tier)
        return [(tier, len(own), _flagged(own), *_share(own)) for tier, own in by_tier.items()]

    def work(self) -> list:
        """Injected work as (injection, bounds of its cells, by tier, by cell), what was missed first.

        By tier: {tier: (found, trials)}; by cell: those in which an exact tier found it, and all in which one looked.
        """
        by_name = grouped(self._injected("work"), lambda each: each["injection"] or "")
        lines = [(name, _bounds(own), _by_tier(own), _by_cell(own)) for name, own in by_name.items()]
        return sorted(lines, key=lambda line: (line[3][0] == line[3][1], line[0]))

    def work_found(self) -> tuple[int, int]:
        """In how many pairs of an injection and a cell an exact tier found it, and how many there are."""
        found = [cells for _, _, _, cells in self.work()]
        return sum(each for each, _ in found), sum(each for _, each in found)

    def spins(self) -> list:
        """Injected waiting as (size in percent, bound, by tier)."""
        by_size = grouped(self._injected("spin"), lambda each: (words.size(each["size_percent"]), each["bound"] or ""))
        return [(size, bound, _by_tier(own)) for (size, bound), own in sorted(by_size.items())]

    def _injected(self, family: str) -> list:
        return [each for each in self.trials if each["kind"] == "injected" and each["family"] == family]

    def tiers(self) -> list:
        return sorted({_tier(each) for each in self.trials})

    def seconds(self) -> float:
        """How long all trials took."""
        return sum(words.real(each["seconds"]) or 0.0 for each in self.trials)


def load(folder: Path) -> Proof:
    """Every trial of the folder's files; a line that is none is left out with a warning."""
    trials, warnings = [], []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(text(path).splitlines(), 1):
            try:
                trials += [_trial(line, f"{path.name} line {number}")] if line.strip() else []
            except UnreadableError as error:
                warnings.append(f"{error}: left out.")
    return Proof(trials, warnings)


def percent_of(trial: dict) -> float | None:
    """The median slowdown of a trial's forks in percent; None where times were not taken."""
    ratios = [x for x in map(words.real, trial["log_ratios"] or []) if x is not None and isfinite(x)]
    return slower(median(ratios)) if ratios else None


def slower(log_ratio: float) -> float:
    """The logarithm of a ratio of times as a slowdown in percent; at most a thousandfold one."""
    return 100 * expm1(min(log_ratio, log(1000)))


def _trial(line: str, where: str) -> dict:
    value = parsed(line, where)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise UnreadableError(f"{where}: not a trial of schema {SCHEMA}")
    return typed(value, _TRIAL, where)


def _tier(trial: dict) -> str:
    return str(trial["tier"])


def _flagged(trials: list) -> int:
    return sum(each["flagged"] for each in trials)


def _share(trials: list) -> tuple[float, float]:
    """The share that was flagged, and the upper end of its 95 % interval (Clopper and Pearson, 1934), in percent."""
    flagged, number = _flagged(trials), len(trials)
    upper = betaincinv(flagged + 1, number - flagged, 0.975) if flagged < number else 1.0
    return 100 * flagged / number, 100 * float(upper)


def _by_tier(trials: list) -> dict:
    return {tier: (_flagged(own), len(own)) for tier, own in grouped(trials, _tier).items()}


def _bounds(trials: list) -> str:
    return ", ".join(sorted({each["bound"] for each in trials if each["bound"]}))


def _by_cell(trials: list) -> tuple[int, int]:
    """Cells in which an exact tier found it at least once, and all cells in which one was tried."""
    exact = [each for each in trials if _tier(each) in EXACT]
    return len({each["cell"] for each in exact if each["flagged"]}), len({each["cell"] for each in exact})
