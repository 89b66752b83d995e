"""How is a cell named where space is short?  By what tells it from the others."""

from reports.grouping import grouped

_PARTS = ("head", "loss", "implementation", "direction", "size", "dtype", "device")


def short(cells: list) -> dict:
    """A name for each cell: the loss, and what is not the same for all; its whole name where two would be alike."""
    told = [part for part in _PARTS if part == "loss" or len({str(each.get(part)) for each in cells}) > 1]
    names = {each["cell"]: " ".join(str(each[part]) for part in told if each.get(part)) for each in cells}
    alike = {name for name, own in grouped(names, names.get).items() if len(own) > 1 or not name}
    return {cell: cell if name in alike else name for cell, name in names.items()}
