"""When is a row worse than it was?  The rules; better is what would be worse the other way round."""

from dataclasses import dataclass, field

from reports import words
from reports.compare.entry import Entry
from reports.compare.pairing import Pair

THRESHOLD = 2.0
"""The one threshold there is, that of grade B."""
GRADES = "ABCF"

WORSE = {
    "verdict": "worse verdict",
    "unverified": "no longer verified",
    "grade": "worse grade",
    "ungraded": "no longer measured",
    "threshold": "ratio above the threshold",
    "proved": "larger error, proved",
    "missing": "missing",
    "failing": "new, and it fails",
}
"""Every way for a row to be worse."""
BETTER = {
    "verdict": "better verdict",
    "unverified": "verified now",
    "grade": "better grade",
    "ungraded": "measured now",
    "threshold": "ratio within the threshold",
    "proved": "smaller error, proved",
}
"""The same the other way round."""


@dataclass(frozen=True)
class Change:
    """A row, why it is worse and why better (names of rules), and what else differs; all three may be empty."""

    pair: Pair
    worse: list = field(default_factory=list)
    better: list = field(default_factory=list)
    drift: list = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What the row counts as: whatever is worse somewhere is worse."""
        if self.worse:
            return "worse"
        if self.pair.old is None or self.pair.new is None:
            return "only new" if self.pair.new else "only old"
        return "better" if self.better else "drift" if self.drift else "same"

    @property
    def why(self) -> list:
        """In words."""
        told = [WORSE[each] for each in self.worse]
        return told or [BETTER[each] for each in self.better] or self.drift


def judge(pair: Pair, same_cases: bool, allow_missing: bool = False) -> Change:
    """What became of one row.  `same_cases`: both files asked the same; `allow_missing`: absent rows are no matter."""
    if pair.new is None:
        promised = pair.old.judged and not pair.old.sign  # a record of a deviation that was deleted is no loss
        return Change(pair, worse=["missing"] if promised and not allow_missing else [])
    if pair.old is None:
        return Change(pair, worse=["failing"] if _fails(pair.new) else [])
    worse, better = (reasons(*ends, same_cases) for ends in ((pair.old, pair.new), (pair.new, pair.old)))
    return Change(pair, worse, better, _drift(pair.old, pair.new))


def reasons(old: Entry, new: Entry, same_cases: bool) -> list:
    """Why the second is worse than the first: names of rules."""
    found = []
    if new.level > old.level:
        found.append("verdict")
    if old.judged and not new.judged:
        found.append("unverified")
    if old.grade and new.grade and _graded_worse(old, new, same_cases):
        found.append("grade")
    if old.grade and not new.grade and new.judged and new.level < 2:
        found.append("ungraded")
    if "grade" not in found and old.ratio is not None and words.size(old.ratio) <= THRESHOLD < words.size(new.ratio):
        found.append("threshold")
    if old.key.get("kind") == "proved" and _is_larger(old, new):
        found.append("proved")
    return found


def _is_larger(old: Entry, new: Entry) -> bool:
    """A larger error in ULP, or in bounds where the ULP are the same."""
    first, second = ((words.size(each.ulp), words.size(each.ratio)) for each in (old, new))
    return second > first


def _graded_worse(old: Entry, new: Entry, same_cases: bool) -> bool:
    """A worse letter; B after A only where both were asked the same, since among more elements one is sooner not A."""
    if GRADES.find(new.grade) <= GRADES.find(old.grade):
        return False
    return (old.grade, new.grade) != ("A", "B") or same_cases or old.exact


def _fails(entry: Entry) -> bool:
    return entry.verdict == "fail" or (entry.verdict is None and entry.grade == "F" and not entry.deviations)


def _drift(old: Entry, new: Entry) -> list:
    """What differs and breaks no rule."""
    differs = {
        "verdict": old.verdict != new.verdict,
        "grade": old.grade != new.grade,
        "ratio": words.size(old.ratio) != words.size(new.ratio),
        "ULP": words.size(old.ulp) != words.size(new.ulp),
        "deviations": old.deviations != new.deviations,
        "vacuous": old.share != new.share,
    }
    return [name for name, is_other in differs.items() if is_other]
