"""How are the errors of all inputs spread?  Bars over ULP, for each quantity that exhaustion went through."""

from reports import words
from reports.audit.table import place
from reports.drawing import BLUE, Drawing, canvas, logarithmic, svg

WIDTH, HEIGHT = 350, 190


def drawings(rows: list) -> list:
    """One for each proved row whose histogram has numbers."""
    found = [(row, _bars(row["proof"]["histogram"])) for row in rows if row["proof"]]
    return [_draw(row, bars, n) for n, (row, bars) in enumerate(found) if any(size for _, size in bars)]


def _bars(histogram: dict) -> list:
    """(up to so many ULP, elements), in order; what is no number of elements is left out."""
    bars = [(ulp, size) for ulp, size in histogram.items() if words.real(ulp) is not None and isinstance(size, int)]
    return sorted(bars, key=lambda bar: words.size(bar[0]))


def _draw(row: dict, bars: list, number: int) -> Drawing:
    figure, axes = canvas(WIDTH, HEIGHT, left=52, bottom=38)
    places = range(len(bars))
    axes.bar(places, [size for _, size in bars], width=0.8, color=BLUE)
    axes.set(xlabel="error in ULP, up to", ylabel="elements", yscale="log")
    axes.set_ylim(0.5, 2 * max(size for _, size in bars))
    axes.set_xticks(places, [f"{words.real(ulp):g}".replace("inf", "∞") for ulp, _ in bars])
    axes.grid(visible=False, axis="x")
    logarithmic(axes.yaxis)
    told = ", ".join(f"{size:,} up to {ulp} ULP" for ulp, size in bars)
    return Drawing(place(row), svg(figure, f"ulp-{number}", f"Errors of {place(row)}: {told}"))
