"""What is compared?  One row of either kind of file, with the fields that name it and what was found there."""

from dataclasses import dataclass

LEVELS = {"pass": 0, "note": 0, "skip": 0, "known": 1, "fail": 2}
"""How bad a verdict is.  A skip verified nothing, which is another question: see `Entry.judged`."""


@dataclass(frozen=True)
class Entry:
    """One row: `key` names it, `sign` tells it from others of the same name.

    `judged`: something was verified there, be it a failure; `exact`: its numbers hold for the whole space and do not
    depend on the cases that a seed draws; `deviations`: ids that it met.
    """

    key: dict
    sign: tuple
    verdict: str | None
    judged: bool
    grade: str | None
    ratio: object
    ulp: object
    cases: int
    vacuous: int
    deviations: tuple
    message: str | None
    exact: bool = False

    @property
    def level(self) -> int:
        """How bad its verdict is; an audit has none."""
        return LEVELS.get(self.verdict, 0)

    @property
    def share(self) -> float:
        """The part of its elements whose bound is infinite."""
        return self.vacuous / (self.vacuous + self.cases) if self.vacuous else 0.0


def of_result(row: dict) -> Entry:
    """A row of a conformance run, as `reports.load` gives it."""
    replay = _is_replay(row)
    met = () if replay and row["verdict"] != "known" else tuple(sorted(row["deviation"]))
    fields = ("loss", "check", "question", "quantity", "dtype", "reduction", "device", "mode")
    cases = row["cases"] or 0
    asked = row["verdict"] in ("fail", "known") or cases > 0 or replay
    return Entry(
        key={"subject": row["home"]} | {name: row[name] for name in fields},
        sign=("witness", *row["deviation"]) if replay else (),
        verdict=row["verdict"],
        judged=asked and row["verdict"] != "skip",
        grade=row["grade"],
        ratio=row["worst_ratio"],
        ulp=row["worst_ulp"],
        cases=cases,
        vacuous=row["vacuous"] or 0,
        deviations=met,
        message=row["message"],
    )


def _is_replay(row: dict) -> bool:
    """Whether a row is the witness of one recorded deviation, asked again: it counts no case of its own."""
    return bool(row["witness"]) and len(row["deviation"]) == 1 and not row["cases"]


def of_audit(row: dict) -> Entry:
    """A row of an audit, as `reports.compare.audit` gives it; its verdict is its grade."""
    fields = ("loss", "quantity", "dtype", "mode", "device", "kind")
    return Entry(
        key={"subject": row["home"]} | {name: row[name] for name in fields},
        sign=(),
        verdict=None,
        judged=row["grade"] is not None,
        grade=row["grade"],
        ratio=row["worst_ratio"],
        ulp=row["worst_ulp"],
        cases=row["evaluations"] or 0,
        vacuous=0,
        deviations=tuple(sorted(str(each) for each in row["known"] or [])),
        message=row["note"],
        exact=row["kind"] != "searched",
    )
