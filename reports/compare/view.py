"""What does a page or a summary show of a comparison?  Lines of rows that moved alike, losses, environments."""

from dataclasses import dataclass

from reports import words
from reports.compare.comparison import Comparison
from reports.compare.judgement import Change
from reports.grouping import asked, dtype_order, grouped

LINES = {"worse": 120, "better": 60, "drift": 40}
"""Lines of a page for each kind; further ones are counted."""
_FIRST = ("torch", "python", "cpu", "cpu_capability", "gpu", "platform", "threads")


@dataclass(frozen=True)
class Line:
    """Rows of one loss and check that moved alike; the numbers are those of the row with the worst of them.

    `verdicts`, `grades`, `ratios`, `ulps`: before and after, as text, empty where there is none.
    """

    subject: str
    loss: str
    asked: str
    quantity: str
    where: str
    dtypes: list
    reductions: list
    rows: int
    why: list
    verdicts: tuple
    grades: tuple
    ratios: tuple
    ulps: tuple
    came: list
    went: list
    message: str


def lines(comparison: Comparison, kind: str) -> list[Line]:
    """The rows of one kind, the worst verdict first, then by how far they moved; of drift, what is not known first."""
    changes = comparison.of(kind)
    made = [(_line(own), _urgency(own)) for own in grouped(changes, _alike).values()]
    return [line for line, _ in sorted(made, key=lambda each: each[1], reverse=True)]


def _alike(change: Change) -> tuple:
    old, new, key = change.pair.old, change.pair.new, change.pair.last.key
    ends = [(end.verdict, end.grade) if end else None for end in (old, new)]
    named = (key.get(name) for name in ("subject", "loss", "check", "quantity", "device", "mode", "kind"))
    return (*named, *ends, tuple(change.why), _moved(change.pair))


def _moved(pair) -> tuple:
    """Deviations that came and went."""
    old, new = (set(end.deviations) if end else set() for end in (pair.old, pair.new))
    return tuple(sorted(new - old)), tuple(sorted(old - new))


def _line(changes: list) -> Line:
    worst = max(changes, key=_size)
    old, new, key = worst.pair.old, worst.pair.new, worst.pair.last.key
    keys = [each.pair.last.key for each in changes]
    came, went = _moved(worst.pair) if old and new else ((), ())
    return Line(
        subject=key["subject"],
        loss=key["loss"],
        asked="; ".join(asked(keys)) if "check" in key else key["kind"],
        quantity=key["quantity"] or "",
        where=" ".join(filter(None, [_unless(key["mode"], "eager"), _unless(key["device"], "cpu")])),
        dtypes=sorted({each["dtype"] for each in keys if each["dtype"]}, key=dtype_order),
        reductions=sorted({each["reduction"] for each in keys if each.get("reduction")}),
        rows=len(changes),
        why=worst.why,
        verdicts=_ends(old, new, lambda end: end.verdict),
        grades=_ends(old, new, lambda end: end.grade),
        ratios=_ends(old, new, lambda end: words.number(end.ratio)),
        ulps=_ends(old, new, lambda end: words.number(end.ulp)),
        came=list(came),
        went=list(went),
        message=(new.message if new else None) or "",
    )


def _unless(value: str | None, usual: str) -> str | None:
    return None if value == usual else value


def _ends(old, new, of) -> tuple:
    """What both ends say, as text."""
    return tuple((of(end) or "") if end else "" for end in (old, new))


def _urgency(changes: list) -> tuple:
    """A sorting key, the largest first."""
    new = changes[0].pair.new
    level = new.level if new else 1
    return (level if changes[0].kind != "drift" else -level, max(map(_size, changes)), len(changes))


def _size(change: Change) -> tuple:
    """How far a row moved: the factor of its ratio, then the larger end; rows without numbers come last."""
    ends = [words.size(end.ratio) if end else 0.0 for end in (change.pair.old, change.pair.new)]
    small, large = sorted(max(each, 0.0) for each in ends)
    return (large / small if small and large < float("inf") else large, large)


def by_loss(comparison: Comparison) -> list[tuple]:
    """(subject, loss, counts of rows by kind) of each loss with rows that are not all the same; the worst first."""
    found = []
    for (subject, loss), own in grouped(comparison.changes, _loss).items():
        counts = {kind: sum(each.kind == kind for each in own) for kind in comparison.counts}
        if counts["same"] < len(own):
            found.append((subject, loss, counts))
    return sorted(found, key=lambda each: (-each[2]["worse"], -each[2]["better"], each[1]))


def _loss(change: Change) -> tuple:
    key = change.pair.last.key
    return key["subject"], key["loss"]


def absent(comparison: Comparison, kind: str) -> list[tuple]:
    """(subject, loss, what was asked, rows, verdicts) of rows that only one file has and that break no rule."""
    found = []
    for (subject, loss), own in grouped(comparison.of(kind), _loss).items():
        entries = [each.pair.last for each in own]
        told = sorted({entry.key.get("check") or entry.key.get("kind") or "not run" for entry in entries})
        verdicts = sorted({entry.verdict or entry.grade or "" for entry in entries})
        found.append((subject, loss, ", ".join(map(words.spaced, told)), len(own), ", ".join(verdicts)))
    return sorted(found)


def environments(comparison: Comparison) -> list[tuple]:
    """(name, old, new, whether they differ) of everything that the files depend on, what differs first."""
    sides = [
        {"file": each.path} | _versions(each.environment) | each.draws | each.facts
        for each in (comparison.old, comparison.new)
    ]
    names = list(dict.fromkeys(name for side in sides for name in side))
    told = [(name, *(_said(side.get(name)) for side in sides)) for name in names]
    return sorted(((*each, each[1] != each[2]) for each in told), key=lambda each: not each[3])


def _versions(environment: dict) -> dict:
    """The environment, what matters most first."""
    first = {name: environment[name] for name in _FIRST if name in environment}
    return first | environment


def _said(value: object) -> str:
    return "none" if value is None else words.clip(" ".join(str(value).split()), 300)
