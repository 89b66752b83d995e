"""How does an audit become one HTML page?"""

from collections import Counter

from reports.audit import histogram
from reports.audit.load import Audit
from reports.audit.table import SIGNS, in_ulp, place, table, way
from reports.render import environment


def render(audit: Audit) -> str:
    """The page as text; it needs no other file and no network."""
    proofs = [row for row in audit.rows if row["kind"] == "proved"]
    made = table(audit)
    return (
        environment()
        .get_template("audit.html")
        .render(
            audit=audit,
            table=made,
            several=len({loss.subject for loss in made.losses}) > 1,
            kinds=Counter(row["kind"] for row in audit.rows),
            headline=headline(audit),
            proofs=proofs,
            failing=[row for row in audit.rows if row["failing"]],
            drawings=histogram.drawings(proofs),
            signs=SIGNS,
            in_ulp=in_ulp,
            place=place,
            way=way,
        )
    )


def headline(audit: Audit) -> tuple:
    """What the audit amounts to: in a word or two, and in a line."""
    if not audit.footer["complete"]:
        return "Incomplete", "the audit ended before its last number was in"
    failing = sum(1 for row in audit.rows if row["failing"])
    kinds = Counter(row["kind"] for row in audit.rows)
    effort = sum(row["evaluations"] or 0 for row in audit.rows if row["kind"] == "searched")
    told = f"{kinds['searched']:,} worst errors from {effort:,} evaluations, {kinds['proved']:,} proved over all inputs"
    if failing:
        return f"{failing} of {len(audit.rows) - kinds['derived']} numbers break a promise", told
    return "No promise is broken", told
