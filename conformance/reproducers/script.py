"""From a failure to a script that shows it: literal tensors, one call, what is expected and what comes.

The scripts need torch, and the subject's own module where the subject is another one; exit status 1 while the
defect is there, 0 when it is gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from conformance.case import Case
from conformance.derivatives import Forward, Second
from conformance.environment import version_of
from conformance.global_state import GENERATORS, SETTINGS, changes
from conformance.modes.compiled import PRESENT
from conformance.reproducers.criterion import Criterion, criterion
from conformance.reproducers.literals import wrapped
from conformance.reproducers.spelled_derivatives import forward, second
from conformance.reproducers.spelling import Call, backward, gradient, invoked, made, setting, tensors, with_shorthand

LINES, WIDTH = 15, 120

#: What a message that is no number says is wrong, and the expression that is true where it is not.
FAULTS = {
    r"raises ": "",
    r"\w+ has shape .*, the contract says (\(.*\))": "tuple({result}.shape) == {0}",
    r"\w+ has dtype \w+, the contract says (\w+)": "{result}.dtype == torch.{0}",
    r"\w+ is on \w+, its inputs are on (\w+)": '{result}.device.type == "{0}"',
    r"\w+ is \w+, not a tensor": "isinstance({result}, torch.Tensor)",
    r"changes its argument (\w+) in place": "{0}._version == 0",
    r"\w+: no (gradient|derivative) reaches it": "{gradient} is not None",
    r"the result does not require grad when (\w+) does": "{result}.requires_grad",
}
#: What scripts may name without importing it: subjects that are in no module, as those of a notebook.
GIVEN: dict[str, object] = {}
#: What a message begins with that says that a call should have been refused.
ACCEPTED = ("does not refuse ", "accepts ")


@dataclass(frozen=True)
class Finding:
    """Element ``at`` of a quantity of a case, the call first, that is not right.

    ``subject``: ``torch.nn.L1Loss`` or ``MODULE:ATTR``.  ``eager``: what eager torch answers, if the subject is
    another one.  ``leaves``: the arguments that require a gradient.  ``upstream``: owner/repository#number.
    ``question``: what the check asked.  ``mode``: how the subject was executed.
    """

    case: Case
    quantity: str
    at: tuple[int, ...]
    subject: str
    observed: float = float("nan")
    check: str = "value"
    device: str = "cpu"
    eager: float | None = None
    title: str | None = None
    upstream: str | None = None
    leaves: tuple[str, ...] = ()
    layout: str | None = None
    question: str | None = None
    careful: bool = False
    mode: str = "eager"

    @property
    def argument(self) -> str | None:
        """The argument whose gradient it is about."""
        return self.quantity.removeprefix("grad_") if self.quantity.startswith("grad_") else None

    @cached_property
    def call(self) -> Call:
        legacy = self.check == "legacy"
        return Call(self.case, self.at[0], self.subject, self.device, self.leaves, legacy, self.layout, self.mode)

    @property
    def name(self) -> str:
        """The subject, dtype and reduction in words."""
        reduction = f", reduction '{self.case.reduction}'" if len(self.case.contract.reductions) > 1 else ""
        return f"{self.subject} in {self.case.dtype}{reduction}{'' if self.mode == 'eager' else f', mode {self.mode}'}"

    @cached_property
    def criterion(self) -> Criterion:
        return criterion(self.case, self.quantity, self.at, self.eager)


def script(finding: Finding) -> str:
    """The text of a script that shows a wrong number."""
    return fitted([*heading(finding), *with_shorthand([*tensors(finding.call), *asking(finding)]), *deciding(finding)])


def script_of_problem(finding: Finding, message: str) -> str | None:
    """A script for a fault that is no number: it makes the call, then says whether it is there.

    An exception that should not be has exit status 1 by itself.  None for a message that no rule knows.
    """
    if message.startswith(ACCEPTED):
        return script_of_acceptance(finding, message)
    pattern = next((p for p in FAULTS if re.match(p, message)), None)
    if pattern is None:
        return None
    title = _title(finding, message)
    fault, match = FAULTS[pattern], re.match(pattern, message)
    if "requires_grad" in fault:
        finding = replace(finding, leaves=(match[1],))
    *asked, whole = _number_asked(finding) if "{gradient}" in fault or finding.argument else _called(finding)
    right = fault.format(*match.groups(), result="result", gradient=whole)
    if "{result}" in fault:
        asked = list(_called(finding))[:-1]
    end = [f'print("as it should be:", {right})', f"raise SystemExit(0 if {right} else 1)"] if right else []
    return fitted([title, *with_shorthand([*tensors(finding.call), *asked, *end])])


def _called(finding: Finding) -> Iterator[str]:
    """The statements that make the call, and the name of the result."""
    yield from made(finding.call)
    yield f"result = {invoked(finding.call)}{_field(finding)}"
    yield "result"


def script_of_statements(finding: Finding, message: str, statements: list[str]) -> str:
    """A script of statements that show what a message says."""
    return fitted([_title(finding, message), *with_shorthand(statements)])


def script_of_acceptance(finding: Finding, message: str) -> str:
    """A script for a call that should be refused, that of the case, and is not."""
    *before, made = [s for s in setting(finding.call) if not s.startswith("loss.")]
    loaded = [s for s in setting(finding.call) if s.startswith("loss.")]
    inside = [f"    {s}" for s in (made, *loaded, f"result = {invoked(finding.call)}")]
    return fitted([
        _title(finding, message), *with_shorthand(before), "try:", *inside, "except Exception as refusal:",
        '    print("refused:", refusal)', "    raise SystemExit(0) from None",
        'print(f"accepted, got {result}")', "raise SystemExit(1)",
    ])  # fmt: skip


def _title(finding: Finding, message: str) -> str:
    said = finding.title or f"{finding.name}: {message}"
    return f"# {' '.join([_ascii(said).rstrip('.') + '.', *origin(finding)])}"


def _field(finding: Finding) -> str:
    return f".{finding.quantity}" if len(finding.case.contract.fields) > 1 else ""


def identifier(finding: Finding) -> str:
    """A name for it that lasts: ``HuberLoss-value-float16-mean-1a2b3c4d``."""
    case, call = finding.case, finding.call
    own = "" if call.is_torch or call.constructor == case.contract.loss else f"-{call.constructor}"
    check = "" if finding.check in ("value", "gradient") else f"-{finding.check}"
    check += f"-{finding.question}" if finding.question else ""
    check += f"-{finding.mode}" if finding.mode != "eager" else ""
    of = case.digest() if call.is_torch else hashlib.sha256(f"{finding.subject} {case.digest()}".encode()).hexdigest()
    end = f"{finding.quantity}-{case.dtype}-{case.reduction}-{of[:8]}"
    return re.sub(r"[^\w.-]+", "_", f"{case.contract.loss}{own}{check}-{end}", flags=re.ASCII)


def fitted(statements: list[str]) -> str:
    """The statements in lines of at most WIDTH characters, LINES of them.

    Where that is too little, comments share their lines, then the title stands alone, then tensors share lines; in
    the end some lines are wider.
    """
    title, *seen = [s for s in statements if s.startswith("#")]
    rest = statements[1 + len(seen) :]
    for comments in ([title, *seen], [" ".join([title, *(c.removeprefix("# ") for c in seen)])], [title]):
        statements = [*comments, *rest]
        if _count(statements) <= LINES:
            break
    while _count(statements) > LINES and (shared := _shared(statements)) != statements:
        statements = shared
    parts = [_parts(s) for s in statements]
    while sum(map(len, parts)) > LINES and any(len(p) > 1 for p in parts):
        longest = max(range(len(parts)), key=lambda i: len(parts[i]))
        parts[longest] = [statements[longest]]
    return "\n".join(line for part in parts for line in part) + "\n"


def _count(statements: list[str]) -> int:
    return sum(len(_parts(s)) for s in statements)


def _parts(statement: str) -> list[str]:
    return _comment(statement) if statement.startswith("#") else _lines(statement)


#: What gives names to literal tensors.
NAMING = re.compile(r"(\w+(?:, \w+)*) = (torch\.(?!autograd|nn\.[A-Z]).*)")


def _shared(statements: list[str]) -> list[str]:
    """The statements, the shortest two neighbours that name tensors as one: on one line, or if there are too many."""
    found = [NAMING.fullmatch(s) for s in statements]
    pairs = [i for i in range(len(found) - 1) if found[i] and found[i + 1]]
    at = min(pairs, key=lambda i: len(statements[i]) + len(statements[i + 1]), default=None)
    if at is None:
        return statements
    one, other = found[at].groups(), found[at + 1].groups()
    both = f"{one[0]}, {other[0]} = {one[1]}, {other[1]}"
    too_wide = len(both) > WIDTH and len(statements) <= LINES
    return statements if too_wide else [*statements[:at], both, *statements[at + 2 :]]


def _lines(statement: str) -> list[str]:
    """The lines of a statement; a single one where there would be too many anyway."""
    return [statement] if len(statement) > LINES * WIDTH else wrapped(statement, WIDTH)


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="#   ", break_long_words=False, break_on_hyphens=False)


def _ascii(text: str) -> str:
    """Text for comments: one line of ASCII."""
    return " ".join(text.encode("ascii", "replace").decode().split())


def heading(finding: Finding) -> list[str]:
    """What is wrong, in comments: the title, and what was seen, eager torch's error next to the subject's."""
    right = finding.criterion
    should = right.expected if right.number is None else f"{right.number.high:.9g}"
    wrong = f"{finding.quantity} is {finding.observed:.9g}, should be {should}"
    seen = f"Seen: {_told(finding.observed, finding)}{_torch(finding)}."
    if finding.case.moving:
        seen += f" Declared: {', '.join(d.id for d in finding.case.moving)}."
    elif not finding.call.is_torch:
        seen += f" Eager torch.nn: {'refuses' if finding.eager is None else _told(finding.eager, finding)}."
    return [f"# {_ascii(finding.title or f'{finding.name}: {wrong}')}", f"# {' '.join([seen, *origin(finding)])}"]


def origin(finding: Finding) -> list[str]:
    """Where it is reported, and how to run the script, in words."""
    place, _, number = (finding.upstream or "").partition("#")
    told = [f"Reported: https://github.com/{place}/issues/{number}"] if number else []
    module = finding.call.module
    if module:
        folder = Path(module).parent.as_posix() if module.endswith(".py") else "."
        told.append(f"Run with PYTHONPATH={_ascii(folder)}")
    elif not finding.call.is_torch:
        told.append(f"{finding.call.constructor} is the loss as it was given")
    return told


def _torch(finding: Finding) -> str:
    version = version_of("torch")
    device = "" if finding.device == "cpu" else f" on {finding.device}"
    return f" with torch {version}{device}" if version else device


def _told(answer: float, finding: Finding) -> str:
    """An answer and, where it is a number, its error in absolute terms and in ULP."""
    right = finding.criterion
    if right.number is None or not np.isfinite(answer):
        return f"{answer!r}"
    error = right.number.error(answer)
    ulp = float(finding.case.format.ulp(finding.case.expected(finding.quantity).value[finding.at]))
    return f"{answer:.9g}, error {error:.3g} ({error / ulp:.3g} ULP)"


def asking(finding: Finding) -> Iterator[str]:
    """The module, the call, whatever derivative is asked for, and the one number: ``got``."""
    picked = f"[{', '.join(map(str, finding.at[1:]))}]" if finding.at[1:] else ""
    *before, whole = _number_asked(finding)
    yield from before
    inside = "    " if type(finding.case) is Forward else ""
    yield f"{inside}got = {whole}{picked}.item()"


def _number_asked(finding: Finding) -> Iterator[str]:
    """The statements before the last, which is the expression of the quantity."""
    call = finding.call
    if type(finding.case) is Forward:
        yield from forward(call, made(call), finding.quantity)
        return
    yield from made(call)
    if isinstance(finding.case, Second):
        yield from second(call, finding.quantity, finding.careful)
    elif finding.argument is None:
        yield f"{invoked(call)}{_field(finding)}"
    else:
        yield from backward(call)
        yield from gradient(call, finding.argument)


def deciding(finding: Finding) -> Iterator[str]:
    """What is expected and what came, in one line of output, and the exit status."""
    right = finding.criterion
    allowed = "" if right.number is None else f", allowed error {right.allowed:.3g}"
    yield f'print(f"expected {right.expected}, got {{got!r}}{allowed}")'
    yield f"raise SystemExit(0 if {right.right} else 1)"


def run(text: str) -> tuple[int, str]:
    """The exit status of a script and what it prints, run in this process, whose settings it does not change."""
    said, ends = io.StringIO(), []
    if "torch.compile(" in text:
        PRESENT.begin(object())  # nothing is left of what was compiled before
    with contextlib.redirect_stdout(said), warnings.catch_warnings(record=True):
        changes(SETTINGS | GENERATORS, lambda: ends.append(_status(text)))
    return ends[0][0], said.getvalue() + ends[0][1]


def _status(text: str) -> tuple[int, str]:
    """The exit status of a script, and the error that ends it."""
    warnings.simplefilter("always")
    try:
        exec(compile(text, "<reproducer>", "exec"), {"__name__": "__main__", **GIVEN})
    except SystemExit as end:
        return int(end.code or 0), ""
    except Exception as error:
        return 1, f"{type(error).__name__}: {error}"
    return 0, ""


def shown(finding: Finding, write: Callable[[Finding], str | None] = script) -> str | None:
    """A script that shows it, having been run; None where none does.

    All arguments require gradients that have one; only the one in question where that is refused.  Second
    derivatives are asked for with care where gradients do not depend on anything.
    """
    alone = (finding.argument,) if finding.argument else ()
    for leaves, careful in ((finding.leaves, False), (finding.leaves, True), (alone, False)):
        written = write(replace(finding, leaves=leaves, careful=careful))
        if written is None:
            return None
        status, said = run(written)
        if status == 1 and (write is not script or said.startswith("expected")):
            return written
    return None
