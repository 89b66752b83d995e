"""How near does each cell come to what memory allows?  Its bandwidth against that of a triad measured beside it."""

from reports.drawing import INK, Drawing, canvas, finite, logarithmic, svg
from reports.grouping import grouped
from reports.perf.benchmarks import DIRECTIONS, SIZES
from reports.perf.dots import MARKS, Dot, colour
from reports.perf.dots import draw as draw_dots

WIDTH, HEIGHT = 350, 280


def roofs(cells: list) -> list:
    """For each pass a plot of percent of the triad over the bytes that any implementation must move."""
    known = [each for each in cells if finite([each["percent_of_triad"], each["compulsory_bytes"]])[1:]]
    return [_roof(own, direction) for direction in DIRECTIONS if (own := _of(known, direction))]


def _of(cells: list, direction: str) -> list:
    return [each for each in cells if each["direction"] == direction and min(_place(each)) > 0]


def _place(cell: dict) -> tuple:
    return tuple(finite([cell["compulsory_bytes"], cell["percent_of_triad"]]))


def _roof(cells: list, direction: str) -> Drawing:
    figure, axes = canvas(WIDTH, HEIGHT, left=50, right=12, bottom=38)
    for implementation, own in grouped(cells, lambda each: each["implementation"]).items():
        places = [_place(each) for each in own]
        mark, tone = MARKS.get(implementation, "o"), colour(implementation)
        axes.plot(*zip(*places, strict=True), mark, color=tone, markersize=5, alpha=0.75)
    axes.axhline(100, color=INK, linewidth=1.5)
    axes.set(xscale="log", yscale="log", xlabel="bytes that must be moved", ylabel="% of the triad")
    axes.yaxis.set_label_coords(-0.12, 0.5)
    logarithmic(axes.xaxis, _bytes)
    logarithmic(axes.yaxis)
    told = f"Percent of the triad's bandwidth of {len(cells)} cells over the bytes of a call, {direction}"
    return Drawing(direction, svg(figure, f"roof-{len(direction)}", told))


def _bytes(x: float, _) -> str:
    for unit in ("B", "kB", "MB"):
        if x < 1000:
            return f"{x:.3g} {unit}"
        x /= 1000
    return f"{x:.3g} GB"


def largest(cells: list) -> Drawing | None:
    """Percent of the triad of each loss, at the largest size it was measured in, forward and backward."""
    timed = [each for each in cells if finite([each["percent_of_triad"]]) and each["direction"] != "forward"]
    best = {}
    for each in sorted(timed, key=lambda each: SIZES.index(each["size"]) if each["size"] in SIZES else 0):
        best[each["loss"], each["implementation"]] = each
    dots = [Dot(loss, how, finite([each["percent_of_triad"]])[0]) for (loss, how), each in best.items()]
    return draw_dots(dots, "Largest size, forward+backward", "largest", "% of the triad", mark=100)
