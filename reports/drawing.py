"""How does a figure become part of a page?  matplotlib draws it; its colours become the page's own, light or dark."""

import io
import math
import re
import warnings
from dataclasses import dataclass
from html import escape

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.scale import SymmetricalLogScale
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from reports import words

INK, QUIET, LINE, FAIL, KNOWN, NOTE, AMBER, BLUE, PLAIN, GROUND = (f"#0000{n:02x}" for n in range(1, 11))
"""Colours of the page, as stand-ins that no other colour looks like."""

_VARIABLES = dict(
    zip(
        (INK, QUIET, LINE, FAIL, KNOWN, NOTE, AMBER, BLUE, PLAIN, GROUND),
        ("ink", "quiet", "line", "fail", "known", "note", "c", "a", "plain", "ground"),
        strict=True,
    )
)


def variable(colour: str) -> str:
    """The page's own colour that a stand-in becomes."""
    return f"var(--{_VARIABLES[colour]})"


_FAR = (5, 10, 30, 100, 300, 1000, 10000, 100000)
"""Percent that a long axis marks."""
_FAMILY = "system-ui, sans-serif"
BEHIND = {"facecolor": GROUND, "edgecolor": "none", "pad": 1}
"""What stands behind a label so that lines do not cross it."""
MOST = 1e15
"""Numbers from here on are no measurements."""
CHARACTER = 6.3
"""Width of a character of a label in pixels, about."""

matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "plumbline",
        "text.parse_math": False,
        "axes.formatter.use_mathtext": False,
        "font.size": 11,
        "axes.labelsize": 11,
        "xtick.labelsize": 11,
        "ytick.labelsize": 11,
        "text.color": QUIET,
        "axes.labelcolor": QUIET,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "axes.edgecolor": LINE,
        "grid.color": LINE,
        "grid.linewidth": 1,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "xtick.minor.size": 0,
        "ytick.minor.size": 0,
        "lines.linewidth": 1.5,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "path.simplify_threshold": 0.5,
    }
)


@dataclass(frozen=True)
class Drawing:
    """A figure: what it shows, and its SVG for a narrow column and, where that is another one, for a wide one."""

    title: str
    svg: str
    wide: str | None = None


def canvas(width: float, height: float, left=46.0, right=8.0, top=8.0, bottom=34.0) -> tuple[Figure, Axes]:
    """A figure of that many pixels with one set of axes, and the margins around it."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasSVG(figure)
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    return figure, figure.add_axes(box)


def label(thing: object, most: int = 48) -> str:
    """One line of plain text that matplotlib can set."""
    line = "".join(each for each in " ".join(str(thing).split()) if each.isprintable())
    return words.clip(line, most)


def svg(figure: Figure, name: str, told: str) -> str:
    """The figure as an element of a page.  `name` makes its ids unique, `told` is for those who do not see it."""
    file = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph")
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<defs>\s*<style.*?</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r"<svg[^>]*?viewBox=\"([^\"]*)\"[^>]*>", lambda found: _opening(found[1], told), text, count=1)
    text = re.sub(r"(\.\d\d)\d+", r"\1", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    return re.sub(r"\s*\n\s*", " ", _unique(_fonts(text), name)).strip()


def _opening(box: str, told: str) -> str:
    return f'<svg viewBox="{box}" role="img" aria-label="{escape(told)}">'


def _fonts(text: str) -> str:
    text = re.sub(r"(font: [^;\"]*?[\d.]+px )[^;\"]*", rf"\1{_FAMILY}", text)
    return re.sub(r"font-family: [^;\"]*", f"font-family: {_FAMILY}", text)


def _unique(text: str, name: str) -> str:
    """Ids that something refers to begin with `name`; the others go."""
    text = text.replace("xlink:href=", "href=")
    used = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", text)
    return re.sub(r"(url\(|href=\")#([\w-]+)", rf"\1#{name}-\2", text)


def finite(numbers) -> list:
    """Those that can be drawn."""
    return [x for x in map(words.real, numbers) if x is not None and abs(x) < MOST]


_MARKS = 11
"""Marks of an axis of percent at most."""


def percents(axis, numbers: list) -> None:
    """An axis of changes in percent that has room for all numbers; beyond 30 % its outer parts are logarithmic."""
    low, high = min([-1.0, *numbers]), max([1.0, *numbers])
    is_long = max(high, -low) > 30
    margins = (0.1 * -low, 0.1 * high) if is_long else (0.06 * (high - low),) * 2
    low, high = low - margins[0], high + margins[1]
    if is_long:
        axis.axes.set(**{f"{axis.axis_name}scale": SymmetricalLogScale(axis, linthresh=10, linscale=2)})
        every, few = (
            [t for t in sorted((0, *far, *(-t for t in far))) if low <= t <= high] for far in (_FAR, _FAR[1::2])
        )
        axis.set_ticks(every if len(every) <= _MARKS else few)
        axis.set_minor_locator(NullLocator())
    else:
        wide = axis.get_figure().get_figwidth() * 72 > 600
        axis.set_major_locator(MaxNLocator(11 if wide else 5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(lambda x, _: f"{x:+g} %".replace("-", "−") if x else "0")
    axis.axes.set(**{f"{axis.axis_name}lim": (low, high)})


def logarithmic(axis, form=None) -> None:
    """A logarithmic axis with round numbers on it: 1, 2, 5 where it is short, powers of ten where it is long."""
    low, high = sorted(axis.get_view_interval())
    decades = math.log10(high / low)
    axis.set_major_locator(
        LogLocator(100 if decades > 5 else 10, (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,))
    )
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(form or plain_number)


def plain_number(x: float, _=None) -> str:
    """A number on an axis: 0.01, 1, 1,000, 1e6."""
    return f"{x:,.10g}" if 1e-3 <= x < 1e5 else words.number(x).replace(".00", "")
