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

    def injections(self) -> list:
        """Injected slowdowns as (family, injection, size in percent, bound, by tier, by cell).

        By tier: {tier: (found, trials)}; by cell: those in which an exact tier found it, and all.
        """
        injected = [each for each in self.trials if each["kind"] == "injected"]
        by_kind = grouped(injected, lambda t: (t["family"] or "", t["injection"] or "", t["size_percent"], t["bound"]))
        lines = [(*key, _by_tier(own), _by_any(own)) for key, own in by_kind.items()]
        return sorted(lines, key=lambda line: (line[0] != "work", line[1], words.size(line[2]), line[3] or ""))

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


def _by_any(trials: list) -> tuple[int, int]:
    """Cells in which an exact tier found it at least once, and all cells in which one was tried."""
    exact = [each for each in trials if _tier(each) in EXACT]
    return len({each["cell"] for each in exact if each["flagged"]}), len({each["cell"] for each in exact})
