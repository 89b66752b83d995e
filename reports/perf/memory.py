"""How much memory does training with a loss take?  Peak and saved tensors over the bytes of the input, as bars."""

from reports.drawing import CHARACTER, INK, LINE, Drawing, canvas, finite, label, svg
from reports.grouping import grouped
from reports.perf.benchmarks import ratio
from reports.perf.dots import colour

WIDTH = 350
SIZE = "M"


def bars(cells: list) -> list:
    """A figure for each implementation that tells its memory, in the size in which it is measured."""
    known = [(each, *_numbers(each)) for each in cells if _is_asked(each) and finite([each["peak_over_input"]])]
    by_implementation = grouped(known, lambda line: line[0]["implementation"])
    return [_figure(implementation, own) for implementation, own in by_implementation.items()]


def _is_asked(cell: dict) -> bool:
    return cell["direction"] != "forward" and cell["size"] == SIZE


def _numbers(cell: dict) -> tuple:
    saved = finite([ratio(cell["saved_bytes"], cell["input_bytes"])])
    return finite([cell["peak_over_input"]])[0] if finite([cell["peak_over_input"]]) else 0.0, (saved or [0.0])[0]


def _figure(implementation: str, lines: list) -> Drawing:
    lines = sorted(lines, key=lambda line: line[1])
    names = [label(cell["loss"].removesuffix("Loss"), 26) for cell, _, _ in lines]
    left = 10 + CHARACTER * max(map(len, names))
    figure, axes = canvas(WIDTH, 17 * len(lines) + 46, left=left, right=10, bottom=38)
    places = range(len(lines))
    axes.hlines(places, 0, [peak for _, peak, _ in lines], color=LINE, linewidth=12)
    axes.hlines(places, 0, [saved for _, _, saved in lines], color=colour(implementation), linewidth=5)
    axes.axvline(1, color=INK, linewidth=1)
    axes.set(
        xlim=(0, None),
        ylim=(-0.7, len(names) - 0.3),
        yticks=places,
        yticklabels=names,
        xlabel="times the bytes of the input",
    )
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")
    told = f"Peak memory over input of {len(lines)} losses, {implementation}"
    return Drawing(implementation, svg(figure, f"memory-{implementation}".replace(" ", "-"), told))
