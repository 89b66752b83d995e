"""The names of items: from a row's key to a pytest id, and back when all that is left is the id."""

from __future__ import annotations

PARTS = ("loss", "dtype", "reduction", "device", "mode", "subject")


def name_of(key: dict[str, str | None]) -> str:
    """``HuberLoss-float32-mean-cpu-eager-torch.nn.HuberLoss``; with a question ``HuberLoss/wrong_shape-...``.

    Questions are words joined by hyphens.
    """
    asked = f"{key['loss']}/{key['question'].replace('-', '_')}" if key["question"] else key["loss"]
    return "-".join([asked, *(key[part] for part in PARTS[1:])])


def key_of(nodeid: str) -> dict[str, str | None]:
    """Subject, loss, check, question, dtype, reduction, device and mode, of an item's node id."""
    path, _, rest = nodeid.partition("[")
    check = path.rpartition("::")[2].removeprefix("test_")
    parts = rest.removesuffix("]").split("-", len(PARTS) - 1)
    blank: dict[str, str | None] = dict.fromkeys(PARTS)
    key = blank | dict(zip(PARTS, parts, strict=False)) | {"check": check}
    loss, _, question = (key["loss"] or "").partition("/")
    return key | {"loss": loss or None, "question": question.replace("_", "-") or None}
