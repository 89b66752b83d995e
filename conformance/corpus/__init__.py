"""Which cases has a bug been found with?  They are kept, in exact numbers, and asked before all others.

The repository's own stand here, one file for each loss, one case in a line.  A run keeps what it finds in
``corpus/`` next to its results file, and begins with what earlier runs have left there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from conformance.case import Case
from conformance.special import SpecialCase
from reference import CONTRACTS

HERE = Path(__file__).parent
#: Where a run keeps what it finds, next to the results file.
FOLDER = "corpus"
#: Cases that one row of results keeps at most.
MOST = 16
#: The kinds of case that are nothing but their numbers.
KINDS: dict[str, type[Case]] = {"case": Case, "special": SpecialCase}

Key = tuple[str, str, str, str, str | None]


class Corpus:
    """The cases in some folders, read when first needed."""

    def __init__(self, *folders: Path):
        self.folders = folders
        self.read: dict[str, dict[Key, list[Case]]] = {}

    def cases(self, item) -> list[Case]:
        """Those of an item (its contract, check, dtype, reduction and question), in the order they were found."""
        loss = item.contract.loss
        if loss not in self.read:
            self.read[loss] = by_row(entry for folder in self.folders for entry in entries(folder / f"{loss}.jsonl"))
        key = (item.contract_name, item.check, item.dtype, item.reduction, item.question)
        return self.read[loss].get(key, [])


#: What the repository keeps.
KNOWN = Corpus(HERE)


def beside(results: Path) -> Corpus:
    """The repository's corpus and that next to a results file."""
    return Corpus(HERE, results.resolve().parent / FOLDER)


def key_of(entry: dict) -> Key:
    return tuple(entry[k] for k in ("contract", "check", "dtype", "reduction", "question"))


def by_row(found: Iterable[dict]) -> dict[Key, list[Case]]:
    """The cases of every row, each once."""
    rows: dict[Key, dict[str, Case]] = {}
    for entry in found:
        case = decode(entry)
        if case is not None:
            rows.setdefault(key_of(entry), {}).setdefault(case.digest(), case)
    return {key: list(cases.values()) for key, cases in rows.items()}


def entries(file: Path) -> Iterator[dict]:
    """The lines of a file; what another version of the suite wrote otherwise is passed over."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            entry = json.loads(line)
            key_of(entry)
        except (ValueError, KeyError, TypeError):
            continue
        yield entry


def encode(case: Case, check: str, question: str | None = None, note: str = "") -> dict:
    """A case as JSON, floats in hexadecimal: its numbers; what a check makes of them it makes again."""
    kind = "special" if type(case) is SpecialCase else "case"
    return {
        "contract": case.contract_name, "check": check, "question": question, "dtype": case.dtype,
        "reduction": case.reduction, "note": note, "kind": kind, "calls": case.calls,
        "sizes": {k: list(s) for k, s in case.sizes.items()}, "kinds": dict(case.kinds),
        "arguments": {k: _packed(a) for k, a in case.arguments.items()},
        "parameters": {k: {"hex": v.hex()} if isinstance(v, float) else v for k, v in case.parameters.items()},
        "cotangents": {k: _packed(a) for k, a in case.cotangents.items()},
    }  # fmt: skip


def decode(entry: dict) -> Case | None:
    """The case of an entry; None where its contract is gone, or takes other arguments now."""
    contract = CONTRACTS.get(entry["contract"])
    if contract is None or [*entry["arguments"], *entry["parameters"]] != [*contract.arguments, *contract.parameters]:
        return None
    own = {f.name for f in fields(Case)} & set(entry)
    return KINDS[entry["kind"]](
        **{k: entry[k] for k in own if k not in ("sizes", "arguments", "parameters", "cotangents")},
        contract_name=contract.name,
        sizes={k: tuple(s) for k, s in entry["sizes"].items()},
        arguments={k: _unpacked(a) for k, a in entry["arguments"].items()},
        parameters={k: float.fromhex(v["hex"]) if isinstance(v, dict) else v for k, v in entry["parameters"].items()},
        cotangents={k: _unpacked(a) for k, a in entry["cotangents"].items()},
    )


def _packed(array: np.ndarray | None) -> dict | None:
    if array is None:
        return None
    flat = array.reshape(-1)
    numbers = {"hex": [float(x).hex() for x in flat]} if array.dtype == float else {"int": [int(x) for x in flat]}
    return {"shape": list(array.shape)} | numbers


def _unpacked(packed: dict | None) -> np.ndarray | None:
    if packed is None:
        return None
    whole = "int" in packed
    numbers = packed["int"] if whole else [float.fromhex(x) for x in packed["hex"]]
    return np.array(numbers, np.int64 if whole else float).reshape(packed["shape"])


def merge(folder: Path, found: Iterable[dict]) -> None:
    """Add entries to the files of a folder, each case once for each row, and no more than MOST for a row."""
    by_loss: dict[str, list[dict]] = {}
    for entry in found:
        by_loss.setdefault(CONTRACTS[entry["contract"]].loss, []).append(entry)
    for loss, new in by_loss.items():
        file = folder / f"{loss}.jsonl"
        kept = list(entries(file))
        for entry in new:
            same_row = [decode(e) for e in kept if key_of(e) == key_of(entry)]
            digests = {case.digest() for case in same_row if case is not None}
            if len(digests) < MOST and decode(entry).digest() not in digests:
                kept.append(entry)
        _write(file, kept)


def _write(file: Path, kept: list[dict]) -> None:
    """Replace a file as a whole, so that whoever reads it finds all of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")
    part.replace(file)
