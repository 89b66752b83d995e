"""Does the run keep the promises?  Its one line, from the rows and the footer."""

from collections import Counter

from reports.load import Results


def is_ok(results: Results) -> bool:
    """Whether the run is complete, verified something, and found no failure."""
    clean = not any(row["verdict"] == "fail" for row in results.rows)
    return clean and results.complete and bool(results.rows) and not results.footer["exit_status"]


def outcome(results: Results) -> tuple[str, str]:
    """The verdict on the run and the counts behind it, together one line."""
    counts = Counter(row["verdict"] for row in results.rows)
    met = {each for row in results.rows for each in row["deviation"]}
    told = [
        many(len({row["loss"] for row in results.rows}), "loss", "losses"),
        many(_verified(results), "row verified", "rows verified"),
        many(counts["fail"], "failure"),
        many(len(met), "known deviation"),
        many(counts["skip"], "skip"),
    ]
    return _headline(results, counts["fail"]), ", ".join(told)


def _headline(results: Results, failures: int) -> str:
    subjects = list(dict.fromkeys(row["home"] for row in results.rows))
    broken = {row["home"] for row in results.rows if row["verdict"] == "fail"}
    one = subjects[0] if len(subjects) == 1 else None
    if not results.rows:
        return "Nothing was verified"
    if failures and one:
        return f"{one} breaks its promises"
    if failures:
        return f"{len(broken)} of {len(subjects)} subjects break their promises"
    if not results.complete:
        return "Incomplete run, no verdict"
    if results.footer["exit_status"]:
        return "No failure, but the run does not pass"
    return f"{one} keeps its promises" if one else f"All {len(subjects)} subjects keep their promises"


def _verified(results: Results) -> int:
    stated = results.footer["rows_verified"]
    if stated or (stated == 0 and results.complete):
        return stated
    return sum(max(0, (row["cases"] or 0)) for row in results.rows if row["verdict"] != "skip")


def many(number: int, one: str, more: str | None = None) -> str:
    """1 row, 2 rows."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
