"""The names of items: from a row's key to a pytest id, and back when all that is left is the id."""

from __future__ import annotations

PARTS = ("loss", "dtype", "reduction", "device", "mode", "subject")


def name_of(key: dict[str, str]) -> str:
    """``HuberLoss-float32-mean-cpu-eager-torch.nn.HuberLoss``."""
    return "-".join(key[part] for part in PARTS)


def key_of(nodeid: str) -> dict[str, str | None]:
    """Subject, loss, check, dtype, reduction, device and mode, of an item's node id."""
    path, _, rest = nodeid.partition("[")
    check = path.rpartition("::")[2].removeprefix("test_")
    parts = rest.removesuffix("]").split("-", len(PARTS) - 1)
    blank: dict[str, str | None] = dict.fromkeys(PARTS)
    return blank | dict(zip(PARTS, parts, strict=False)) | {"check": check}
