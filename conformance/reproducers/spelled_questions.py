"""Which scripts may show what a check says that compares a subject with itself?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from conformance.reproducers import spelled_completeness, spelled_purity
from conformance.reproducers.script import Finding, run, script_of_statements
from conformance.reproducers.spelling import Call

WAYS = spelled_purity.WAYS | spelled_completeness.WAYS
#: What a question says of a quantity; in the same way it is asked where the subject raises instead.
SAID = {
    "second-call": "{} of the second call is another one",
    "second-backward": "{} of the second backward pass is another one",
    "two-outputs": "{} is another one after a later call",
    "interleaved": "{} is another one next to another instance",
    "another-shape": "{} is another one after another shape",
    "order-reversed": "{} depends on the order of calls",
    "train-eval": "{} is another one after train()",
    "no-grad": "{} is another one under no_grad",
    "inference-mode": "{} is another one in inference mode",
    "deepcopy": "{} is another one next to a deep copy",
    "pickle": "{} is another one next to a pickled module",
    "accumulates": "{} does not add up in .grad",
    "flows-on": "{} does not flow on",
}
#: What a message begins with that is about the result itself, whatever the question.
OF_ANY = r"raises |\w+ has (shape|dtype) |\w+ is \w+, not a tensor"


def shown(finding: Finding, message: str) -> str | None:
    """A script that shows what a message says, having been run; None where none does."""
    begin = message.removeprefix("raises ") if message.startswith("raises ") else "expected "
    for said in asked(finding, message):
        for statements in spelled(finding, said):
            text = script_of_statements(finding, message, statements)
            if _shows(run(text), begin):
                return text
    return None


def asked(finding: Finding, message: str) -> list[str]:
    """The message, or, where it is about the result, all that the question might have said."""
    if not re.match(OF_ANY, message):
        return [message]
    said, case = SAID.get(finding.question), finding.case
    return (
        [said.format(q) for q in (*case.contract.fields, *(f"grad_{k}" for k in case.differentiable))] if said else []
    )


def _shows(ran: tuple[int, str], begin: str) -> bool:
    return ran[0] == 1 and ran[1].startswith(begin)


def spelled(finding: Finding, message: str) -> Iterator[list[str]]:
    """The statements of every script that may show what a message says."""
    known = [(re.fullmatch(pattern, message), ways) for pattern, ways in WAYS.items()]
    for call in calls(finding.call, message):
        for match, ways in known:
            for way in ways if match else ():
                statements = way(call, *match.groups())
                if statements is not None:
                    yield statements


def calls(call: Call, message: str) -> list[Call]:
    """Every call of the case; gradients are required by all arguments that have one, by each alone, or by none."""
    names = tuple(k for k in call.case.differentiable if call.case.arguments[k] is not None)
    some = [names, *((k,) for k in names)]
    ways = dict.fromkeys(some if "grad_" in message else [(), *some])
    return [replace(call, number=i, leaves=leaves) for i in range(call.whole.calls) for leaves in ways]
