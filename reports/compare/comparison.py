"""What became of everything?  All rows judged, deviations that came and went, and one verdict on the whole."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from reports.compare import pairing
from reports.compare.judgement import Change, judge
from reports.compare.source import Source
from reports.document import UnreadableError
from reports.outcome import many

KINDS = ("worse", "better", "drift", "same", "only new", "only old")
TOLD = {
    "worse": "worse",
    "better": "better",
    "drift": "drifted",
    "same": "the same",
    "only new": "only in the new file",
    "only old": "only in the old file",
}
"""What a reader sees of each kind of row."""


@dataclass(frozen=True)
class Deviation:
    """A deviation that one file met and the other did not.  `counts`: whether that makes things worse, or better."""

    id: str
    summary: str | None
    rows: list
    counts: bool


@dataclass(frozen=True)
class Options:
    """What was asked for.  `chosen`: for each side the wanted values of some fields."""

    allow_missing: bool = False
    ignoring: tuple = ()
    chosen: tuple[Mapping, Mapping] = ({}, {})


@dataclass(frozen=True)
class Comparison:
    """Two files side by side; `run` is what is worse of the new run as a whole, in words."""

    old: Source
    new: Source
    options: Options
    across: list
    same_cases: bool
    changes: list[Change]
    appeared: list[Deviation]
    vanished: list[Deviation]
    run: str | None

    def of(self, kind: str) -> list[Change]:
        """The rows of one kind."""
        return [each for each in self.changes if each.kind == kind]

    @property
    def counts(self) -> dict:
        """Rows by kind."""
        found = Counter(each.kind for each in self.changes)
        return {kind: found[kind] for kind in KINDS}

    @property
    def compared(self) -> int:
        """Rows that both files have."""
        return sum(each.pair.old is not None and each.pair.new is not None for each in self.changes)

    @property
    def kind(self) -> str:
        """`regression`, `inconclusive`, `improvement` or `unchanged`."""
        if self.counts["worse"] or self.run or any(each.counts for each in self.appeared):
            return "regression"
        if not self.compared or not self.old.complete or not self.new.complete:
            return "inconclusive"
        is_better = self.counts["better"] or any(each.counts for each in self.vanished)
        return "improvement" if is_better else "unchanged"

    @property
    def exit_status(self) -> int:
        """1 on a regression, and where an incomplete run or nothing in common leaves the question open."""
        return int(self.kind in ("regression", "inconclusive"))


def compare(old: Source, new: Source, options: Options | None = None) -> Comparison:
    """Compares two files; raises `UnreadableError` where they are of two kinds, or rows cannot be told apart."""
    options = options or Options()
    if old.kind != new.kind:
        raise UnreadableError(f"{old.path} is a file of {_named(old)}, {new.path} one of {_named(new)}")
    entries = [pairing.chosen(*each) for each in zip((old, new), options.chosen, strict=True)]
    for side, source, own in zip(("old", "new"), (old, new), entries, strict=True):
        pairing.check(own, options.ignoring, source, side)
    across = pairing.across(*entries, options.ignoring)
    same_cases = old.draws == new.draws
    pairs = pairing.pairs(*entries, [each.field for each in across])
    changes = _judged(pairs, same_cases, options.allow_missing)
    return Comparison(
        old,
        new,
        options,
        across,
        same_cases,
        changes,
        *_deviations(changes, old, new),
        _run(old, new, changes, options),
    )


def _judged(pairs: list, same_cases: bool, allow_missing: bool) -> list[Change]:
    """What became of each row; where the files have none in common there is nothing to judge by."""
    if not any(pair.old and pair.new for pair in pairs):
        return [Change(pair) for pair in pairs]
    return [judge(pair, same_cases, allow_missing) for pair in pairs]


def _named(source: Source) -> str:
    return {"conformance": "a conformance run", "audit": "an audit"}[source.kind]


def _deviations(changes: list, old: Source, new: Source) -> tuple[list, list]:
    """Those that only the new file met, and those that only the old one did.

    One that appeared counts where a row meets it that was verified before and did not fail; one that vanished, where
    a row met it that is still verified and does not fail.  Others came with rows that have no counterpart, or were
    recorded since for what failed already.
    """
    ends = [(each.pair.old, each.pair.new) for each in changes]
    summaries = (old.summaries or {}) | (new.summaries or {})
    return _appeared(ends, summaries), _appeared([(b, a) for a, b in ends], summaries)


def _appeared(ends: list, summaries: dict) -> list[Deviation]:
    before = {id for first, _ in ends if first for id in first.deviations}
    met = {}
    for first, second in ends:
        for id in set(second.deviations if second else ()) - before:
            met.setdefault(id, []).append((first, second))
    return [
        Deviation(id, summaries.get(id), [entry for _, entry in own], any(_stood(first) for first, _ in own))
        for id, own in sorted(met.items())
    ]


def _stood(entry) -> bool:
    return entry is not None and entry.judged and entry.level < 2


def _run(old: Source, new: Source, changes: list, options: Options) -> str | None:
    """What is worse of the run as a whole and shows in no row: it passed, and no longer does."""
    shown = any(each.pair.new and each.pair.new.verdict == "fail" for each in changes)
    if not old.passes or new.passes is not False or shown or any(options.chosen):
        return None
    why = "; ".join(new.reasons) or "it gives no reason"
    return f"The old run passed, the new one ended with exit status {new.facts['exit status']}: {why}"


def headline(comparison: Comparison) -> tuple[str, str]:
    """The verdict and the counts behind it, together one line."""
    head = {
        "regression": "Regression",
        "inconclusive": "Inconclusive",
        "improvement": "Better, and nothing worse",
        "unchanged": "No regression" if comparison.counts["drift"] else "Nothing changed",
    }[comparison.kind]
    told = [many(comparison.compared, "row") + " compared"]
    told += [f"{number:,} {TOLD[kind]}" for kind, number in comparison.counts.items() if number]
    for what, found in (("new", comparison.appeared), ("vanished", comparison.vanished)):
        told += [many(len(found), f"{what} deviation")] if found else []
    return head, ", ".join(told)


def caveats(comparison: Comparison) -> list:
    """What a reader has to know before believing the rest, each in one line."""
    old, new = comparison.old, comparison.new
    told = [f"{TITLE[each.field]}: {_list(each.old)} against {_list(each.new)}." for each in comparison.across]
    for side, source in (("old", old), ("new", new)):
        if not source.complete:
            told.append(f"The {side} run is incomplete: what is not in it was not verified, so this cannot pass.")
        told += [f"The {side} file: {warning}" for warning in source.warnings]
    differing = [f"{name} {old.draws[name]} and {new.draws[name]}" for name in old.draws if _differs(old, new, name)]
    if differing:
        told.append(
            f"Different cases were asked ({'; '.join(differing)}): a larger or smaller worst ratio may be chance, and "
            "A after B or B after A is drift."
        )
    if not comparison.compared:
        told.append("The files have no row in common.")
    if comparison.options.allow_missing and comparison.counts["only old"]:
        told.append("Rows that only the old file has are allowed, as asked.")
    return told + ([comparison.run] if comparison.run else [])


TITLE = {"subject": "Two subjects", "device": "Two devices", "mode": "Two modes"}


def _differs(old: Source, new: Source, name: str) -> bool:
    return old.draws[name] != new.draws[name]


def _list(values: tuple, most: int = 5) -> str:
    shown = ", ".join(map(str, values[:most]))
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")
