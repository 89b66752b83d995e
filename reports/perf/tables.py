"""Which numbers of the gate differ between base and head?  The lines of its tables."""

from reports import words
from reports.perf.gate import OUTCOMES

NOTE = 1.0
"""Percent of instructions from which a line is shown at once."""
COUNTS = ("instructions", "l1_misses", "ll_misses", "cycles")


def counters(cells: list, names: dict) -> tuple[list, int]:
    """Lines (cell, outcome, counter, base, head, change) of what differs, and how many are equal."""
    lines, equal = [], 0
    for cell in sorted(cells, key=lambda each: OUTCOMES.index(each["outcome"])):
        pairs = [(words.spaced(key), pair) for key, pair in cell["counters"].items()]
        pairs += [(f"operator {key}", pair) for key, pair in cell["operators"].items()]
        for counter, pair in pairs:
            if pair["base"] == pair["head"]:
                equal += 1
            else:
                lines.append((names[cell["cell"]], cell["outcome"], counter, *_pair(pair["base"], pair["head"])))
    return lines, equal


def _pair(base: object, head: object) -> tuple[str, str, str, bool]:
    """Both as text, the change as text, and whether it is an increase."""
    first, second = words.real(base), words.real(head)
    if first is None or second is None:
        return _count(base), _count(head), "", False
    change = f"{100 * (second / first - 1):+.3g} %".replace("-", "−") if first else ""
    return _count(base), _count(head), change, second > first


def _count(thing: object) -> str:
    number = words.real(thing)
    if number is None:
        return "none" if thing is None else str(thing)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.3f}" if abs(number) < 1e6 else f"{number:.4g}"


def instructions(cells: list, names: dict) -> dict:
    """Lines by kind: `notable` beyond `NOTE` percent, `quiet` below, `lacking` as (cell, reason).

    A line is (cell, outcome, percent, cycles in percent, pairs of counts as text).
    """
    found = {"notable": [], "quiet": [], "lacking": []}
    counted = [(each, each["instructions"]) for each in cells if each["instructions"]]
    for cell, told in sorted(counted, key=lambda pair: -words.size(pair[1]["percent"])):
        percent, name = words.real(told["percent"]), names[cell["cell"]]
        if percent is None:
            found["lacking"].append((name, told["reason"] or "no reason given"))
            continue
        base, head = told["base"] or {}, told["head"] or {}
        pairs = [(_count(base.get(key)), _count(head.get(key))) for key in COUNTS]
        kind = "notable" if abs(percent) > NOTE else "quiet"
        found[kind].append((name, cell["outcome"], percent, words.real(told["cycles_percent"]), pairs))
    return found


def times(cells: list, names: dict) -> list:
    """The table behind the forest plot: one line for each cell whose times were taken."""
    timed = [each for each in cells if each["time"] and each["time"]["stage"]]
    timed.sort(key=lambda each: (OUTCOMES.index(each["outcome"]), -words.size(each["time"]["stage"]["percent"])))
    return [_time(each, names[each["cell"]]) for each in timed]


def _time(cell: dict, name: str) -> dict:
    time, stage = cell["time"], cell["time"]["stage"]
    own = {key: stage[key] for key in ("percent", "low", "high", "p")}
    microseconds = time["microseconds"] or {}
    return own | {
        "name": name,
        "outcome": cell["outcome"],
        "stage": 2 if time["stage2"] else 1,
        "forks": len(stage["log_ratios"] or []),
        "threshold": time["threshold_percent"],
        "detectable": time["detectable_percent"],
        "base": microseconds.get("base"),
        "head": microseconds.get("head"),
    }


def measured(cells: list) -> list:
    """All benchmarks by name, for those who want the numbers behind the figures."""
    return sorted(cells, key=lambda each: each["cell"])
