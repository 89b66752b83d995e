"""How noisy was the machine?  Identical code compared with itself: the gate's canary, and the proof's trials."""

import numpy as np

from reports.drawing import BEHIND, BLUE, FAIL, INK, QUIET, Drawing, canvas, finite, label, percents, svg
from reports.perf.proof import Proof, percent_of, slower

WIDTH = 350


def canary(gate_canary: dict | None) -> Drawing | None:
    """A dot for each fork of the canary, with the median and its interval."""
    ratios = [slower(x) for x in finite((gate_canary or {}).get("log_ratios") or [])]
    if not ratios:
        return None
    figure, axes = canvas(WIDTH, 120, left=16, right=16, bottom=38)
    tone = FAIL if gate_canary["flagged"] else BLUE
    axes.plot(ratios, _spread(len(ratios)), "o", color=tone, markersize=5, alpha=0.7)
    ends = finite([gate_canary["low"], gate_canary["high"]])
    if len(ends) == 2:
        axes.plot(ends, [-0.6, -0.6], color=tone, linewidth=2)
    axes.plot(finite([gate_canary["percent"]]), [-0.6] * len(finite([gate_canary["percent"]])), "D", color=tone)
    axes.axvline(0, color=INK, linewidth=1)
    percents(axes.xaxis, [*ratios, *ends])
    axes.set(ylim=(-1, 1.1), yticks=[], xlabel="difference of identical code")
    axes.spines["left"].set_visible(False)
    told = f"Differences of {len(ratios)} forks of identical code, in percent"
    return Drawing("The canary of this run", svg(figure, "canary", told))


def _spread(number: int) -> np.ndarray:
    """Places up and down so that dots do not cover one another."""
    return (np.arange(number) * 0.618034) % 1


def trials(proof: Proof | None) -> Drawing | None:
    """A dot for each trial of the proof on identical code whose times were taken, a line for each cell."""
    timed = [(each, percent_of(each)) for each in (proof.identical if proof else [])]
    timed = [(each, percent) for each, percent in timed if percent is not None]
    if not timed:
        return None
    names = sorted({each["cell"] for each, _ in timed}, reverse=True)
    figure, axes = canvas(WIDTH, 44 * len(names) + 46, left=16, right=16, bottom=38)
    for place, name in enumerate(names):
        own = [(percent, each["flagged"]) for each, percent in timed if each["cell"] == name]
        _cell(axes, place, label(name, 50), own)
    axes.axvline(0, color=INK, linewidth=1)
    percents(axes.xaxis, [percent for _, percent in timed])
    axes.set(ylim=(-0.3, len(names)), yticks=[], xlabel="difference of identical code")
    axes.spines["left"].set_visible(False)
    told = f"Differences of {len(timed)} trials of identical code, in percent"
    return Drawing("All trials of the proof", svg(figure, "trials", told))


def _cell(axes, place: int, name: str, own: list) -> None:
    for flagged, tone in ((False, BLUE), (True, FAIL)):
        found = [percent for percent, flag in own if flag is flagged]
        heights = place + 0.4 * _spread(len(found))
        axes.plot(found, heights, "s" if flagged else "o", color=tone, markersize=4, alpha=0.6)
    axes.text(0, place + 0.62, name, transform=axes.get_yaxis_transform(), va="center", color=QUIET, bbox=BEHIND)
