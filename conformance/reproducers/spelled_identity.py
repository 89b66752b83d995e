"""How does a script show that two sides of an identity differ?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from conformance.checks.identity import Unanswered
from conformance.identities import IDENTITIES
from conformance.reproducers.answering import answer
from conformance.reproducers.combination import Broken, Side, Term, broken
from conformance.reproducers.literals import plain
from conformance.reproducers.script import LINES, Finding, run, script_of_statements
from conformance.reproducers.spelling import Call, literal, made, setting
from conformance.row import Row

#: What a script calls the answers.
NAMES = ("first", "second", "third", "fourth", "fifth", "sixth")
#: More numbers than these are added up in a loop.
FEW = 3

Names = dict[tuple[int, str], str]


def shown(row: Row, finding: Finding, message: str) -> str | None:
    """A script that shows that two sides of the row's identity differ, having been run; None where none does."""
    try:
        found = broken(row, finding.case)
    except Unanswered:
        return None
    law = f"{message.partition(': left')[0]}. {IDENTITIES[row.item.question].summary}"
    for statements in spelled(finding.call, found) if found else ():
        text = script_of_statements(finding, law, statements)
        status, said = run(text)
        if status == 1 and said.startswith("expected ") and len(text.splitlines()) <= LINES:
            return text
    return None


def spelled(call: Call, found: Broken) -> Iterator[list[str]]:
    """The statements of a script, gradients required by all arguments or by those in question; none for too many."""
    needed = sorted({(t.asked, t.quantity) for side in (found.left, found.right) for t in side.terms})
    if len(needed) > len(NAMES):
        return
    names = dict(zip(needed, NAMES, strict=False))
    asked = tuple(dict.fromkeys(q.removeprefix("grad_") for _, q in needed if q.startswith("grad_")))
    for all_of_them in (True, False) if asked else (False,):
        yield [*answered(call, found, names, None if all_of_them else asked), *compared(found, names)]


def answered(call: Call, found: Broken, names: Names, leaves: tuple[str, ...] | None) -> Iterator[str]:
    """The statements that make every call and name its answers as lists of numbers.

    ``leaves``: the arguments that require a gradient; None for all that have one.
    """
    before = None
    for asked, of_case in groupby(names, key=lambda key: key[0]):
        case = found.cases[asked]
        own = tuple(k for k in case.differentiable if leaves is None or k in leaves)
        now = replace(call, whole=case, number=found.call, leaves=own)
        yield from setting(now) if before is None else moved(before, now)
        for _, quantity in of_case:
            yield from listed(now, quantity, names[asked, quantity])
        before = now


def moved(before: Call, after: Call) -> list[str]:
    """What is to be made anew after one call for another one."""
    names = [k for k, a in after.case.arguments.items() if a is not None]
    given = [k for k in names if k not in after.case.contract.parameters_of_module]
    anew = [k for k in given if before.case.arguments[k] is None or literal(before, k) != literal(after, k)]
    again = made(before) != made(after) or any(after.case.is_shared(k) for k in anew)
    return [*(f"{k} = {literal(after, k)}" for k in anew), *(made(after) if again else [])]


def listed(call: Call, quantity: str, name: str) -> Iterator[str]:
    """The statements after which ``name`` is the list of an answer's numbers, as the contract defines it."""
    argument, found = quantity.removeprefix("grad_"), answer(call, quantity).replace(", allow_unused=True", "")
    if argument != quantity and argument in call.case.contract.through:
        yield f"grad = {found}.double()  # torch's gradient assumes that log_softmax comes before"
        found = f"(grad - {argument}.detach().double().softmax(-1) * grad.sum(-1, keepdim=True))"
    yield f"{name} = {found}.double().flatten().tolist()"


def compared(found: Broken, names: Names) -> list[str]:
    """The end of a script: both sides, and whether they are as near as they should be."""
    return [
        f"left, right = {total(found.left, names)}, {total(found.right, names)}",
        f'print(f"expected {{left!r}} to be {{right!r}}, up to {found.allowed:.3g}")',
        f"raise SystemExit(0 if left == right or abs(left - right) <= {plain(found.allowed)} else 1)",
    ]


def total(side: Side, names: Names) -> str:
    """One side as an expression of the answers."""

    def together(term: Term) -> tuple:
        return term.asked, term.quantity, term.factor

    parts = [part for key, terms in groupby(side.terms, key=together) for part in products(key, [*terms], names)]
    parts += [plain(side.constant)] if side.constant or not parts else []
    return " + ".join(parts).replace("+ -", "- ")


def products(key: tuple[int, str, float], terms: list[Term], names: Names) -> list[str]:
    """Numbers of one answer by one factor."""
    asked, quantity, factor = key
    name, places = names[asked, quantity], [t.place for t in terms]
    if len(places) <= FEW:
        found = [f"{name}[{i}]" for i in places]
    elif places == list(range(places[0], places[-1] + 1)):
        found = [f"sum({name}[{places[0]}:{places[-1] + 1}])"]
    else:
        found = [f"sum({name}[i] for i in {tuple(places)})"]
    times = {1.0: "", -1.0: "-"}.get(factor, f"{plain(factor)} * ")
    return [f"{times}{x}" for x in found]
