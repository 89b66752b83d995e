"""Which increases were reviewed and accepted, and which cells have thresholds of their own?"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from perf.gate.errors import Bad

COUNTERS = ("operators", "bytes", "allocations", "allocated_bytes", "peak_bytes", "saved_tensors", "saved_bytes")
WHAT = (*COUNTERS, "instructions", "cycles", "time")
ENTRY = {"cell": str, "what": str, "reason": str, "increase": (str, int), "expires": date}
THRESHOLD = {"cell": str, "percent": (int, float), "detectable": (int, float), "reason": str}


@dataclass(frozen=True)
class Accepted:
    """Up to ``increase``, in percent ("5 %") or as a count, of ``what`` is accepted in the cells that the shell
    pattern ``cell`` matches, until ``expires``."""

    cell: str
    what: str
    reason: str
    increase: str | int
    expires: date

    def covers(self, finding, today: date) -> bool:
        return (
            self.expires >= today
            and self.what == finding.what
            and fnmatchcase(finding.cell, self.cell)
            and (finding.percent if self.in_percent else finding.amount) <= self.limit
        )

    @property
    def in_percent(self) -> bool:
        return isinstance(self.increase, str)

    @property
    def limit(self) -> float:
        return float(self.increase.removesuffix("%")) if self.in_percent else self.increase

    def told(self) -> dict:
        return asdict(self) | {"expires": self.expires.isoformat()}


@dataclass(frozen=True)
class Threshold:
    """Of the cells that match: the slowdown that fails, and the detectable one that is good enough, in percent."""

    cell: str
    reason: str
    percent: float = 3.0
    detectable: float = 10.0


@dataclass(frozen=True)
class Reviewed:
    """A reviewed file.  ``name`` is its path."""

    name: str | None = None
    accepted: tuple[Accepted, ...] = ()
    thresholds: tuple[Threshold, ...] = field(default=())

    def threshold(self, cell: str) -> Threshold:
        """That of the last entry that matches."""
        usual = Threshold("*", "the gate's own")
        return next((t for t in reversed(self.thresholds) if fnmatchcase(cell, t.cell)), usual)


def read(name: str | None) -> Reviewed:
    """The file.  Raises Bad with one line that says what is wrong with it."""
    if name is None:
        return Reviewed()
    try:
        document = tomllib.loads(Path(name).read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Bad(f"--accepted {name}: {one_line(error)}") from None
    unknown = set(document) - {"accepted", "threshold"}
    if unknown:
        raise Bad(f"--accepted {name}: unknown table {sorted(unknown)[0]}")
    entries = [Accepted(**checked(name, e, ENTRY, set(ENTRY))) for e in tables(name, document, "accepted")]
    needed = {"cell", "reason"}
    thresholds = [Threshold(**checked(name, e, THRESHOLD, needed)) for e in tables(name, document, "threshold")]
    for entry in entries:
        check_entry(name, entry)
    return Reviewed(name, tuple(entries), tuple(thresholds))


def tables(name: str, document: dict, key: str) -> list[dict]:
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(e, dict) for e in found):
        raise Bad(f"--accepted {name}: write [[{key}]]")
    return found


def checked(name: str, entry: dict, types: dict, needed: set[str]) -> dict:
    """The entry, when its keys and types are what they should be.  Raises Bad."""
    wrong = sorted(needed - set(entry)) + sorted(set(entry) - set(types))
    if wrong:
        raise Bad(f"--accepted {name}: {'missing' if wrong[0] in needed else 'unknown'} key {wrong[0]} in {entry}")
    for key, value in entry.items():
        if not isinstance(value, types[key]) or isinstance(value, bool):
            raise Bad(f"--accepted {name}: {key} cannot be {value!r}")
    if not entry["reason"].strip():
        raise Bad(f"--accepted {name}: an empty reason")
    return entry


def check_entry(name: str, entry: Accepted) -> None:
    """Raises Bad where a limit or a name cannot be read."""
    if entry.what not in WHAT:
        raise Bad(f"--accepted {name}: unknown what {entry.what!r}: choose from {', '.join(WHAT)}")
    try:
        good = entry.limit > 0
    except ValueError:
        good = False
    if not good or (entry.what == "time" and not entry.in_percent):
        raise Bad(f'--accepted {name}: increase {entry.increase!r}: write a count, or "5 %" (of time, always that)')


def one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
