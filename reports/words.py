"""How is a number, a tensor, a name or a link written for a reader?"""

import json
import math
import re
import shlex
import zlib
from urllib.parse import quote

SHOWN = 64
"""Elements of a tensor that are written out; the reproducer has all."""
ACROSS = 8
"""Elements in a line of a tensor with one axis."""

_HEX = re.compile(r"-?0x[01]\.?[0-9a-f]*p[+-]\d+")
_ISSUE = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]+)#(\d+)")
_PAGE = re.compile(r"https://github\.com/[\w./#?=&-]+")
_PLAIN = re.compile(r"[A-Za-z0-9._:/=-]+")
_BELOW = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=-]*(/[A-Za-z0-9_][A-Za-z0-9_.+=-]*)*")


def real(value: object) -> float | None:
    """A JSON number (non-finite ones are strings) as a float; None for what is not a number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def size(value: object) -> float:
    """An error's size for ordering: NaN is the worst, an absent one the least."""
    number = real(value)
    if number is None:
        return -math.inf
    return math.inf if math.isnan(number) else number


def number(value: object) -> str:
    """Three significant digits, short: 0.78, 12.3, 1.2e5, ∞, NaN; empty for None."""
    found = real(value)
    if found is None:
        return "" if value is None else str(value)
    if not math.isfinite(found):
        return "NaN" if math.isnan(found) else ("∞" if found > 0 else "-∞")
    text = f"{found:#.3g}".removesuffix(".") if found else "0"
    return re.sub(r"e([+-])0*(\d+)", lambda part: f"e{part[1].strip('+')}{part[2]}", text)


def count(value: object) -> str:
    """1234567 as 1,234,567; empty for None."""
    return f"{value:,}" if isinstance(value, int) else ""


def exact(element: object) -> str:
    """An element as the file has it: hexadecimal, an integer, or a complex pair."""
    if isinstance(element, list) and len(element) == 2:
        return f"({element[0]}, {element[1]})"
    return str(element)


def readable(element: object, digits: int = 17) -> str:
    """An element in decimal; at 17 digits the shortest decimal that reads back the same."""
    if isinstance(element, list) and len(element) == 2:
        return f"({readable(element[0], digits)}, {readable(element[1], digits)})"
    if not isinstance(element, str) or not _HEX.fullmatch(element):
        return str(element)
    try:
        found = float.fromhex(element)
    except OverflowError:
        return element
    return repr(found) if digits >= 17 else f"{found:.{digits}g}"


def is_hex(text: object) -> bool:
    """Whether `readable` has something to say that the text itself does not."""
    return isinstance(text, str) and bool(_HEX.fullmatch(text))


def elements(tensor: object) -> list:
    """The elements of a tensor object; what is no such object is one element."""
    data = tensor.get("data") if isinstance(tensor, dict) else tensor
    return data if isinstance(data, list) else [data]


def shape(tensor: object) -> str:
    """(4, 3) as 4×3; a 0-d tensor is a scalar."""
    sizes = tensor.get("shape") if isinstance(tensor, dict) else None
    if not isinstance(sizes, list):
        return ""
    return "×".join(map(str, sizes)) or "scalar"


def lines(tensor: object, write=lambda element: readable(element, 9)) -> str:
    """A tensor as text, one line for each run of its last axis, at most `SHOWN` elements."""
    data = elements(tensor)
    sizes = tensor.get("shape") if isinstance(tensor, dict) else None
    width = sizes[-1] if isinstance(sizes, list) and len(sizes) > 1 and isinstance(sizes[-1], int) else 0
    shown = [write(element) for element in data[:SHOWN]]
    across = min(width, SHOWN) if width > 0 else ACROSS
    text = "\n".join("  ".join(line) for line in _rows(shown, across)) or "(empty)"
    return text + (f"\n… and {len(data) - SHOWN:,} more" if len(data) > SHOWN else "")


def _rows(cells: list, across: int) -> list:
    wide = max(map(len, cells), default=0)
    padded = [cell.rjust(wide) for cell in cells]
    return [padded[start : start + across] for start in range(0, len(padded), across)]


def value(thing: object) -> str:
    """An option of a loss (a JSON value) as text."""
    if is_hex(thing):
        return readable(thing)
    return thing if isinstance(thing, str) else json.dumps(thing, ensure_ascii=False)


def clip(text: str | None, most: int) -> str:
    """The text, cut at `most` characters."""
    text = text or ""
    return text if len(text) <= most else text[: most - 2] + " …"


def humps(name: str) -> list:
    """A class name in its parts, where a narrow column may break it: Huber, Loss."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+", name) or [name]


def anchor(kind: str, *names: object) -> str:
    """An element id that is the same in every run; odd characters become a checksum."""
    raw = ":".join([kind, *(str(name) for name in names if name)])
    if _PLAIN.fullmatch(raw):
        return raw
    plain = re.sub(r"[^A-Za-z0-9._:/=-]+", "-", raw)
    return f"{plain}.{zlib.crc32(raw.encode('utf-8', 'replace')):08x}"


def upstream_link(text: str | None) -> str | None:
    """The address of pytorch/pytorch#12345; None for what is neither that nor a GitHub page."""
    if found := _ISSUE.fullmatch(text or ""):
        return f"https://github.com/{found[1]}/issues/{found[2]}"
    return text if _PAGE.fullmatch(text or "") else None


def script_link(path: str | None, folder: str | None) -> str | None:
    """The address of a script at `path` below the results' folder, which is at `folder` from the page.

    None for a path that leads elsewhere, and where `folder` is None: it cannot be reached from the page.
    """
    if folder is None or not _BELOW.fullmatch(path or ""):
        return None
    return "/".join(filter(None, [quote(folder), path]))


def spaced(name: str) -> str:
    """A check's name in words: second derivative."""
    return name.replace("_", " ")


def where(row: dict) -> str:
    """A row's place in few words: dtype, reduction, device, mode and subject."""
    mode = None if row["mode"] == "eager" else row["mode"]
    reduction = row["reduction"] and f"reduction {row['reduction']}"
    return " · ".join(filter(None, [row["dtype"], reduction, row["device"], mode, row["home"]]))


def shell(command: list) -> str:
    """A command as a shell would take it."""
    return shlex.join(map(str, command))
