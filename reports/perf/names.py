"""How is a cell named where space is short?  By what tells it from the others."""

from collections import Counter

_PARTS = ("loss", "implementation", "direction", "size", "dtype", "device")


def short(cells: list) -> dict:
    """A name for each cell: the loss and what is not the same for all; its whole name where two would be alike."""
    told = [part for part in _PARTS if part == "loss" or len({each.get(part) for each in cells}) > 1]
    names = {each["cell"]: " ".join(str(each[part]) for part in told if each.get(part)) for each in cells}
    counts = Counter(names.values())
    return {cell: name if name and counts[name] == 1 else cell for cell, name in names.items()}
