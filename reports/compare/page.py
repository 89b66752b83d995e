"""How does a comparison become one HTML page?"""

from reports.compare import comparison as whole
from reports.compare import view
from reports.compare.comparison import KINDS, TOLD, Comparison
from reports.compare.judgement import THRESHOLD
from reports.compare.scatter import scatter
from reports.grouping import grouped
from reports.render import environment

CLASSES = {"worse": "fail", "better": "better", "drift": "note", "same": "pass", "only new": "skip", "only old": "skip"}
"""Colours of the strip, by kind of row."""


def render(comparison: Comparison) -> str:
    """The page as text; it needs no other file and no network."""
    subjects = grouped(comparison.changes, lambda each: each.pair.last.key["subject"])
    return (
        environment()
        .get_template("compare.html")
        .render(
            comparison=comparison,
            headline=whole.headline(comparison),
            caveats=whole.caveats(comparison),
            strip=[(CLASSES[kind], comparison.counts[kind], TOLD[kind]) for kind in KINDS],
            lines={kind: view.lines(comparison, kind) for kind in view.LINES},
            limits=view.LINES,
            losses=view.by_loss(comparison),
            absent={kind: view.absent(comparison, kind) for kind in ("only old", "only new")},
            environments=view.environments(comparison),
            several=len(subjects) > 1,
            drawn=scatter(comparison),
            threshold=THRESHOLD,
        )
    )
