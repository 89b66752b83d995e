"""What is known of the accuracy of each quantity?  One row for what was proved, one searched, one derived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from conformance.proof.statement import sentence
from conformance.staleness import number
from conformance.verdict import GRADES, THRESHOLD
from reference import CONTRACTS
from reference.arithmetic.formats import format_of

#: What all rows of one search have in common.
KEY = ("source", "loss", "contract", "dtype", "mode", "device")


def rows(tasks: list[dict], results: list[dict], proofs: Iterable[dict]) -> list[dict]:
    """The rows of the results file, those of one (subject, loss, quantity, dtype, mode, device) side by side."""
    shards: dict[tuple, list[dict]] = {}
    for task, result in zip(tasks, results, strict=True):
        shards.setdefault(tuple(task[k] for k in KEY), []).append(result)
    found, proved = [], {key_of(row): row for row in proofs}
    for key, parts in shards.items():
        for row in searched(dict(zip(KEY, key, strict=True)), parts):
            found += [proved[key_of(row)]] if key_of(row) in proved else []
            found += [row, derived(row)] if row["evaluations"] else [row]
    return found


def key_of(row: dict) -> tuple:
    return tuple(row[k] for k in ("subject", "contract", "quantity", "dtype", "mode", "device"))


def searched(key: dict, parts: list[dict]) -> Iterator[dict]:
    """A row for each quantity that was searched; one that says why, where nothing was answered."""
    head = {"subject": key["source"] or f"torch.nn.{key['loss']}"} | {k: key[k] for k in KEY if k != "source"}
    order = {}
    for part in parts:
        order |= dict.fromkeys(part["quantities"])
    said = "; ".join(dict.fromkeys(words for part in parts for words in part["said"])) or None
    if not order:
        yield blank(head | {"quantity": "value", "note": said})
    for quantity in sorted(order, key=lambda q: q.startswith("grad_")):
        of = [part["quantities"][quantity] for part in parts if quantity in part["quantities"]]
        yield merged(head | {"quantity": quantity, "note": said}, of)


def blank(head: dict) -> dict:
    """A row of which nothing is known."""
    promise, reason = CONTRACTS[head["contract"]].promise(head["quantity"], head["dtype"])
    return head | {
        "kind": "searched", "worst_ulp": None, "worst_ratio": None, "worst": None, "worst_for_ratio": None,
        "with_known": None, "grade": None, "grade_with_known": None, "promise": promise, "reason": reason,
        "evaluations": 0, "vacuous": 0, "failing": 0, "failures": [], "sharpness": None, "known": [],
        "typical_ulp": None,
        "allowed_ulp": None,
    }  # fmt: skip


def merged(head: dict, of: list[dict]) -> dict:
    """What several shards found of one quantity."""
    worst = {m: worse((p["worst"][m] for p in of), m) for m in ("ratio", "ulp")}
    known = {m: worse((p["known"][m] for p in of), m) for m in ("ratio", "ulp")}
    sharp = [x for p in of for x in p["sharpness"]]
    typical = [x for p in of for x in p["typical_ulp"]]
    return blank(head) | {
        "worst_ulp": size(worst["ulp"], "error_ulp"),
        "worst_ratio": size(worst["ratio"], "ratio"),
        "worst": worst["ulp"],
        "worst_for_ratio": worst["ratio"],
        "with_known": known["ulp"]
        and {"worst_ulp": size(known["ulp"], "error_ulp"), "worst_ratio": size(known["ratio"], "ratio")}
        | {"worst": known["ulp"]},
        "grade": max((p["grade"] for p in of if p["grade"]), key=GRADES.index, default=None),
        "grade_with_known": max(
            (p["grade_with_known"] for p in of if p["grade_with_known"]), key=GRADES.index, default=None
        ),
        "evaluations": sum(p["evaluations"] for p in of),
        "vacuous": sum(p["vacuous"] for p in of),
        "failing": sum(p["failing"] for p in of),
        "failures": [f for p in of for f in p["failures"]],
        "sharpness": round(median(sharp), 2) if sharp else None,
        "known": sorted({id for p in of for id in p["excused"]}),
        "typical_ulp": median(typical) if typical else None,
        "allowed_ulp": largest([p["allowed_ulp"] for p in of] + [w["allowed_ulp"] for w in worst.values() if w]),
    }


def worse(found: Iterable[dict | None], metric: str) -> dict | None:
    """The worst of several witnesses."""
    key = "error_ulp" if metric == "ulp" else "ratio"
    return max((f for f in found if f is not None), key=lambda f: float(f[key]), default=None)


def size(worst: dict | None, key: str) -> float | str | None:
    return None if worst is None else worst[key]


def largest(numbers: list) -> float | str:
    """The largest number that is finite: what is infinite promises nothing."""
    return number(max((float(x) for x in numbers if float(x) < float("inf")), default=0.0))


def derived(row: dict) -> dict:
    """What the promise allows, in ULP: the most at any input that the search judged, the median at drawn ones.

    It is the threshold times the bound that error analysis derives at each input, of which no most over all inputs is
    known.  Where it exceeds half of all digits' worth, the value may be lost altogether, as where terms cancel.
    """
    lost = float(row["allowed_ulp"]) >= 1 / (2 * format_of(row["dtype"]).unit)
    note = "terms may cancel: at some inputs no digit is promised" if lost else None
    return row | {
        "kind": "derived", "worst_ulp": row["allowed_ulp"], "worst_ratio": THRESHOLD, "worst": None,
        "worst_for_ratio": None, "with_known": None, "grade": None, "grade_with_known": None, "failing": 0,
        "failures": [], "known": [], "note": note,
    }  # fmt: skip


def proved(proof: dict) -> Iterator[dict]:
    """The rows of a proof over all inputs; none of one over a part of them."""
    if proof["pairs"] != proof["space"]:
        return
    for quantity, found in proof["quantities"].items():
        head = {k: proof[k] for k in ("subject", "loss", "contract", "dtype", "mode", "device")}
        note = f"{proof['statement'].partition(': ')[0]}: {sentence(quantity, found)}"
        yield blank(head | {"quantity": quantity, "note": note}) | {
            "kind": "proved",
            "worst_ulp": found["worst_ulp"],
            "worst_ratio": found["worst_ratio"] if found["strained"] else None,  # all within one ULP: none was taken
            "worst": witness(proof, found["worst"], error_ulp=found["worst_ulp"]),
            "worst_for_ratio": witness(proof, found["strained"], ratio=found["worst_ratio"]),
            "grade": found["grade"],
            "grade_with_known": max(found["grade"], found["known_grade"] or "A"),
            "with_known": known_worst(proof, found) if found["known"] else None,
            "evaluations": found["elements"],
            "failing": found["failures"],
            "known": sorted(found["known"]),
            "proof": {k: found[k] for k in ("elements", "correctly_rounded", "histogram", "regions")}
            | {k: proof[k] for k in ("pairs", "machine", "seconds")}
            | {"settings": [setting for setting in proof["settings"] if setting]},
        }


def known_worst(proof: dict, found: dict) -> dict:
    """The worst error that known deviations explain."""
    worst = witness(proof, found["known_worst"], error_ulp=found["known_ulp"])
    return {"worst_ulp": found["known_ulp"], "worst_ratio": None, "worst": worst}


def witness(proof: dict, at: dict | None, **size) -> dict | None:
    """The worst input of a proof, as a search tells of one; ``size``: its error in ULP, or its test ratio."""
    if at is None:
        return None
    own = ("setting", "expected", "observed")
    return {
        "arguments": {k: {"shape": [1], "data": [v]} for k, v in at.items() if k not in own},
        "parameters": {"setting": at["setting"]} if at["setting"] else {},
        "cotangent": {"value": {"shape": [1], "data": [float(proof["cotangent"]).hex()]}},
        "reduction": "none", "index": [0], "expected": at["expected"], "observed": at["observed"], "bound": None,
        "eager": None, "error_ulp": None, "ratio": None, "allowed_ulp": None,
    } | size  # fmt: skip
