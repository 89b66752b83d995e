"""Scripts show what they say: status 1 with the subject at fault, 0 with one that is right, 15 lines at most."""

import ast
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest

from conformance import outcome
from conformance.corpus import KNOWN
from conformance.deviations import DEVIATIONS
from conformance.invalid import catalogue
from conformance.mutants import planted
from conformance.mutants.planted import PLANTED
from conformance.reproducers.exhibit import _finding, of_deviation
from conformance.reproducers.literals import number, wrapped
from conformance.reproducers.script import LINES, WIDTH, identifier, run
from conformance.row import Item, Row, witness_item
from conformance.subject import Subject
from reference import CONTRACTS

#: Deviations whose scripts may end the process: those that index memory with what is wrong.
PERILOUS = [
    id for id, d in DEVIATIONS.items()
    if d.only == "rejection" and any(i.perilous and f" {i.why};" in d.says
                                     for i in catalogue(d.witness().contract_name)[d.question])
]  # fmt: skip
#: Scripts whose numbers take more room than there is.
WIDE = {"TripletMarginWithDistanceLoss-curvature-at-zero-vectors"}
#: Where each planted bug shows: check, dtype, reduction.
SHOWS = {
    "HuberIgnoresDelta": ("value", "float32", "none"),
    "HuberSignedThreshold": ("value", "float16", "mean"),
    "MSEWrongCount": ("value", "float64", "mean"),
    "L1SteepTie": ("gradient", "float32", "sum"),
    "MSELeakyGradient": ("gradient", "float64", "mean"),
    "L1HalfAccumulator": ("value", "bfloat16", "sum"),
    "UnstableLogSumExp": ("gradient", "float64", "sum"),
    "IgnoredCounted": ("reduction", "float32", "mean"),
    "WeightsNotNormalised": ("value", "float16", "mean"),
}


def row_of(factory, loss: str, check: str, dtype: str, reduction: str, question: str | None = None) -> Row:
    """A row of the smoke run, fed until it is done."""
    contract = next(c for c in CONTRACTS.values() if c.loss == loss and dtype in c.dtypes)
    subject = Subject(factory)
    row = Row(Item(subject, contract.name, check, dtype, reduction, "cpu", "eager", 0, "smoke", question))
    for case in row.cases():
        row.feed(case)
    return row


@cache
def script_of(bug: str) -> str:
    """The script of the first failure of a planted bug."""
    rows = outcome.finish(row_of(getattr(planted, bug), PLANTED[bug], *SHOWS[bug]))
    return next(r["exhibit"].script for r in rows if r["verdict"] == "fail")


@cache
def script_of_deviation(id: str) -> str:
    """The script of a deviation's witness, by way of the row that replays it."""
    deviation = DEVIATIONS[id]
    case = deviation.witness()
    return of_deviation(Row(witness_item(deviation, case)), deviation, case).script


def imports(text: str) -> set[str]:
    nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom)]
    return {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in nodes}


@pytest.mark.parametrize("bug", SHOWS)
def test_the_script_of_a_planted_bug_shows_it_and_nothing_with_the_loss_of_torch(bug):
    text = script_of(bug)
    mended = text.replace(f"from {planted.__name__} import {bug}\n", "").replace(
        f"= {bug}(", f"= torch.nn.{PLANTED[bug]}("
    )
    assert run(text)[0] == 1
    assert run(text)[1].startswith("expected ")
    assert run(mended)[0] == 0
    assert imports(text) == {"torch", planted.__name__}


def test_the_script_of_every_deviation_shows_it():
    """The scripts that speak of numbers say what was expected, so that status 1 is no accident."""
    for id in DEVIATIONS:
        text = script_of_deviation(id)
        if id in PERILOUS:
            continue
        assert text is not None, id
        status, said = run(text)
        assert status == 1, id
        assert said.startswith("expected ") or DEVIATIONS[id].says, (id, said)


@pytest.mark.parametrize("id", PERILOUS)
def test_a_script_that_may_end_the_process_fails_in_one_of_its_own(id):
    done = subprocess.run([sys.executable, "-c", script_of_deviation(id)], capture_output=True, text=True)
    assert done.returncode != 0
    assert not done.stderr.startswith("Traceback")


@pytest.mark.parametrize("id", DEVIATIONS)
def test_the_script_of_a_deviation_needs_torch_alone(id):
    assert imports(script_of_deviation(id)) == {"torch"}


@pytest.mark.parametrize("of", [*SHOWS, *DEVIATIONS])
def test_a_script_has_15_lines_of_ascii_at_most_and_120_columns(of):
    text = script_of(of) if of in SHOWS else script_of_deviation(of)
    assert len(text.splitlines()) <= LINES
    assert of in WIDE or max(map(len, text.splitlines())) <= WIDTH
    assert text.isascii()


class Stubborn(planted.Reducing):
    """Refuses large numbers."""

    def terms(self, input, target):
        if (input > 1).any():
            raise ValueError("too large")
        return (input - target).abs()


class Detached(planted.Reducing):
    """No gradient reaches its arguments."""

    def terms(self, input, target):
        return (input - target).abs().detach()


class Reshaped(planted.Reducing):
    """One dimension too many."""

    def terms(self, input, target):
        return (input - target).abs()[None]


class Elsewhere(planted.Reducing):
    """On another device."""

    def terms(self, input, target):
        return (input - target).abs().to("meta")


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        (Elsewhere, "result_type"),
        (Stubborn, "value"),
        (Detached, "gradient"),
        (Reshaped, "result_type"),
        (Detached, "second_derivative"),
        (Detached, "completeness"),
    ],
)
def test_a_fault_that_is_no_number_has_a_script_too(wrong, check, monkeypatch):
    monkeypatch.setattr(planted, wrong.__name__, wrong, raising=False)
    monkeypatch.setattr(wrong, "__module__", planted.__name__)
    question = {"completeness": "requires-grad"}.get(check)
    rows = outcome.finish(row_of(wrong, "L1Loss", check, "float32", "none", question))
    row = next(r for r in rows if r["exhibit"])
    mended = row["exhibit"].script.replace(f"= {wrong.__name__}(", "= torch.nn.L1Loss(")
    assert run(row["exhibit"].script)[0] == 1
    assert run(mended)[0] == 0


def test_scripts_of_subjects_by_the_same_name_do_not_take_each_others_place():
    row = row_of(planted.MSEWrongCount, "MSELoss", "value", "float64", "mean")
    case = next(iter(row.cases()))
    own = [replace(row.item, subject=replace(row.item.subject, source=f"{m}:MSE")) for m in ("one", "two", "two")]
    names = [identifier(_finding(item, case, "value", at=(0,), observed=0.0, eager=None)) for item in own]
    assert names[0] != names[1] == names[2]


def test_the_message_of_a_row_is_that_of_its_script():
    rows = outcome.finish(row_of(planted.HuberIgnoresDelta, "HuberLoss", *SHOWS["HuberIgnoresDelta"]))
    row = next(r for r in rows if r["verdict"] == "fail")
    assert row["exhibit"].script.startswith(
        f"# {planted.__name__}:HuberIgnoresDelta in float32, reduction 'none': value"
    )


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.5, "0.5"), (0.1, 'h("0x1.999999999999ap-4")'), (2.0**-140, 'h("0x1p-140")'), (float("-inf"), "-torch.inf"),
     (1e22, "1e+22"), (-0.0, "-0.0")],
)  # fmt: skip
def test_a_number_is_an_exact_decimal_or_hexadecimal(x, text):
    assert number(x) == text


def test_long_statements_are_broken_after_commas_in_brackets():
    statement = f'x = f([{", ".join(["1.0"] * 50)}], "a, b", (1,))'
    lines = wrapped(statement, 60)
    assert max(map(len, lines)) <= 60
    assert " ".join(line.strip() for line in lines) == statement


def test_the_corpus_is_asked_first():
    row = row_of(planted.HuberIgnoresDelta, "HuberLoss", "value", "float32", "none")
    known = KNOWN.cases(row.item)
    assert [c.digest() for c, _ in zip(row.cases(), known, strict=False)] == [c.digest() for c in known]
