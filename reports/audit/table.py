"""Which number stands where in the accuracy table?  Losses and quantities down, dtypes and ways of execution across."""

from dataclasses import dataclass

from reports import words
from reports.audit.load import Audit
from reports.grouping import dtype_order, grouped

WAYS = {("eager", "cpu"): "eager", ("compile", "cpu"): "compiled"}
"""What the ways of execution that everybody has are called."""
DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53, "complex64": 24, "complex128": 53}
"""Binary digits of a number of each dtype."""
SIGNS = {"proved": "=", "searched": "≥", "derived": "≤"}
"""How a number of each kind is written: what exhaustion found, what a search reached, what a bound allows."""
RANK = ("proved", "searched", "derived")


@dataclass(frozen=True)
class Entry:
    """One quantity in one dtype, executed in one way: its rows by kind, and how the table shows them."""

    rows: dict

    @property
    def shown(self) -> dict:
        """The row whose number stands in the table."""
        return next(self.rows[kind] for kind in RANK if kind in self.rows)

    @property
    def sign(self) -> str:
        return SIGNS[self.shown["kind"]]

    @property
    def big(self) -> str:
        """The worst error in ULP, in words where no digit is left."""
        return in_ulp(self.shown)

    @property
    def small(self) -> str:
        return words.number(self.shown["worst_ratio"])

    @property
    def tone(self) -> str:
        grade = self.shown["grade"]
        return "fail" if self.shown["failing"] else grade.lower() if grade in tuple("ABCF") else "vacuous"

    @property
    def label(self) -> str:
        """The cell in a sentence, for those who do not see it."""
        row = self.shown
        if row["worst_ulp"] is None:
            return f"{place(row)}: nothing was verified"
        known = f", {len(row['known'])} recorded deviations left out" if row["known"] else ""
        told = f"{row['kind']}, {words.number(row['worst_ulp'])} ULP, test ratio {self.small}, grade {row['grade']}"
        return f"{place(row)}: {told}{known}"

    @property
    def anchor(self) -> str:
        row = self.shown
        return words.anchor("audit", *(row[k] for k in ("subject", "contract", "quantity", "dtype", "mode", "device")))


@dataclass(frozen=True)
class Loss:
    """One subject's loss: `lines` has (quantity, entries by column)."""

    subject: str
    name: str
    lines: list

    @property
    def entries(self) -> list:
        return [entry for _, cells in self.lines for entry in cells if entry]

    @property
    def failing(self) -> int:
        return sum(1 for entry in self.entries if entry.shown["failing"])


@dataclass(frozen=True)
class Table:
    """`columns` are (dtype, way); `spans` the dtypes, each with its number of columns."""

    columns: list
    spans: list
    losses: list


def in_ulp(row: dict) -> str:
    """An error in ULP; "all digits" where it is as large as the number itself."""
    size = words.real(row["worst_ulp"])
    if size is None:
        return "–"
    return "all digits" if size >= 2.0 ** DIGITS.get(row["dtype"], 53) else words.number(size)


def place(row: dict) -> str:
    return f"{row['loss']} {row['quantity']} {row['dtype']} {way(row)}"


def way(row: dict) -> str:
    """How it is executed, in a word or two."""
    mode, device = row["mode"], row["device"]
    known = WAYS.get((mode, device))
    if known:
        return known
    return "CUDA" if (mode, device) == ("eager", "cuda") else f"{mode} {device}"


def table(audit: Audit) -> Table:
    """The whole table; losses of one subject in the order of the file."""
    columns = sorted(dict.fromkeys((r["dtype"], way(r)) for r in audit.rows), key=_order)
    losses = [
        Loss(subject, name, [(q, _cells(own, columns)) for q, own in grouped(rows, _quantity).items()])
        for (subject, name), rows in grouped(audit.rows, lambda r: (r["subject"], r["loss"])).items()
    ]
    return Table(columns, [(d, len(c)) for d, c in grouped(columns, lambda c: c[0]).items()], losses)


def _order(column: tuple) -> tuple:
    dtype, name = column
    ways = [*WAYS.values(), "CUDA"]
    return dtype_order(dtype), ways.index(name) if name in ways else len(ways), name


def _quantity(row: dict) -> str:
    return row["quantity"]


def _cells(rows: list, columns: list) -> list:
    """The entries of one quantity, None where there is none."""
    found = grouped(rows, lambda r: (r["dtype"], way(r)))
    return [Entry({r["kind"]: r for r in found[c]}) if c in found else None for c in columns]
