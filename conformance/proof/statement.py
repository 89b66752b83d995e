"""What has been proved of a loss?  The shards of one proof as one document, and as a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from conformance.campaign.errors import ShardError
from conformance.proof.claim import Claim
from conformance.proof.found import Found
from conformance.proof.regions import LISTED, listed, regions

SCHEMA = 1


def document(claim: Claim, tasks: list[dict], results: list[dict]) -> dict:
    """What goes into the file of a proof.  Raises ShardError where inputs are missing, or were judged twice."""
    head = {
        "schema": SCHEMA, "subject": claim.subject, "loss": claim.loss, "contract": claim.contract,
        "dtype": claim.dtype, "mode": claim.mode, "device": claim.device, "cotangent": claim.upstream,
        "fraction": str(Fraction(1, claim.fraction)), "settings": [p.setting for p in claim.planes],
        "space": claim.size, "inputs": "pairs" if claim.planes[0].columns is not None else "inputs",
    }  # fmt: skip
    problem = next((r for r in results if "problem" in r), None)
    if problem:
        return head | problem | {"pairs": 0, "quantities": {}, "statement": f"not judged: {problem['problem']}"}
    found = merged(r["found"] for r in results)
    head |= {"pairs": counted(claim, found), "quantities": {k: of.told() for k, of in found.items()}}
    for quantity, told in head["quantities"].items():
        places = list(placed(claim, quantity, tasks, results))
        told["regions"] = sorted(places, key=lambda r: -r["elements"])[:LISTED]
    return head | {"statement": statement(head), "seconds": round(sum(r["seconds"] for r in results), 1)}


def merged(results: Iterable[dict]) -> dict[str, Found]:
    """All shards together, by quantity, values first."""
    found: dict[str, Found] = {}
    for result in results:
        for quantity, of in result.items():
            found.setdefault(quantity, Found()).add(Found.of(of))
    return {quantity: found[quantity] for quantity in sorted(found, key=lambda q: (q.startswith("grad_"), q))}


def counted(claim: Claim, found: dict[str, Found]) -> int:
    """The inputs judged.  Raises ShardError where they are not all of the space, each once, for every quantity."""
    counts = {quantity: of.elements + of.alike for quantity, of in found.items()}
    pairs = counts["value"]
    if set(counts.values()) != {pairs} or (claim.fraction == 1 and pairs != claim.size):
        told = ", ".join(f"{n:,} of {quantity}" for quantity, n in counts.items())
        raise ShardError(f"{claim.label}: not every input was judged once: {told} in a space of {claim.size:,}")
    return pairs


def placed(claim: Claim, quantity: str, tasks: list[dict], results: list[dict]) -> Iterable[dict]:
    """The violating regions of one quantity."""
    runs: dict[int, list] = {}
    for task, result in zip(tasks, results, strict=True):
        runs.setdefault(task["plane"], []).extend(result["found"][quantity]["runs"])
    for number, of in runs.items():
        plane = claim.planes[number]
        yield from listed(plane, regions(plane, of))


def statement(proof: dict) -> str:
    """One sentence for each quantity, the first of which says over what."""
    pairs, space, what = proof["pairs"], proof["space"], proof["inputs"]
    failures = sum(of["failures"] for of in proof["quantities"].values())
    verb = "violated over" if failures else "proved over" if pairs == space else "checked on"
    over = f"{pairs:,} {what}" if pairs == space else f"{pairs:,} of {space:,} {what}"
    return f"{verb} {over}: " + "; ".join(sentence(k, of) for k, of in proof["quantities"].items())


def sentence(quantity: str, of: dict) -> str:
    """``value: worst error 1.00 ULP at input=0x1p-3, target=-0x1p+0, correctly rounded on 99.98 %, grade B``."""
    parts = [f"{quantity}: worst error {extreme(of['worst_ulp'], of['worst'])}"]
    parts.append(f"correctly rounded on {share(of['correctly_rounded'], of['elements'] - of['vacuous'])}")
    parts += [f"{of['alike']:,} other NaN answered as the quiet one"] if of["alike"] else []
    parts += [f"nothing promised of {of['vacuous']:,}"] if of["vacuous"] else []
    if of["known"]:
        ids = " and ".join(f"{id} on {n:,}" for id, n in of["known"].items())
        parts.append(f"known deviation {ids}, there grade {of['known_grade']}")
    parts += [f"{of['failures']:,} violations"] if of["failures"] else []
    return ", ".join([*parts, f"grade {of['grade']}"])


def extreme(size: float | str, at: dict | None) -> str:
    """An error in ULP and where it is."""
    where = ", ".join(f"{k}={v}" for k, v in (at or {}).items() if k not in ("expected", "observed") and v)
    return f"{float(size):.4g} ULP" + (f" at {where}" if where else "")


def share(part: int, whole: int) -> str:
    """A share in percent, cut off and not rounded, so that 100.00 % is all."""
    if part == whole:
        return "all"
    return f"{10_000 * part // whole / 100:.2f} %"
