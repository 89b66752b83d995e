"""What has found a bug once is asked first from then on, in exact numbers, and changes no other case."""

import json
from itertools import islice

import pytest

from conformance import streams
from conformance.corpus import HERE, KNOWN, MOST, Corpus, beside, by_row, decode, encode, entries, key_of, merge
from conformance.deviations.deviation import witness_case
from conformance.mutants.planted import HuberIgnoresDelta, Reducing
from conformance.options_selftest import read, run
from conformance.row import Item, Row
from conformance.subject import Subject, torch_subject
from reference import CONTRACTS

FILES = sorted(HERE.glob("*.jsonl"))


class WrongInOnePlace(Reducing):
    """A loss that is wrong for one input."""

    def terms(self, input, target):
        return (input - target).abs() + 1.0 * (input == 1234.5)


def item(subject: Subject, contract: str, check="value", dtype="float32", reduction="none") -> Item:
    return Item(subject, contract, check, dtype, reduction, "cpu", "eager", 0, "smoke")


def fails(known: Corpus) -> bool:
    """Whether a smoke run finds the loss that is wrong for one input."""
    row = Row(item(Subject(WrongInOnePlace, name="rarely wrong"), "l1_loss"), known)
    for case in row.cases():
        row.feed(case)
    return any(tally.failures for tally in row.tallies.values())


def floats(case) -> list:
    """The arrays of floats of a case."""
    return [a for a in (*case.arguments.values(), *case.cotangents.values()) if a is not None and a.dtype == float]


def first_cases(contract: str, check: str = "value", dtype: str | None = None) -> list:
    """The cases of the first block of a stream."""
    of = CONTRACTS[contract]
    reduction = list(of.reductions)[-1]
    return list(streams.cases(0, contract, check, dtype or of.dtypes[-1], reduction, lambda done: done >= 1))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_case_comes_back_from_json_with_the_same_digest(contract):
    for case in [*first_cases(contract), *first_cases(contract, "special_values", CONTRACTS[contract].dtypes[0])]:
        again = decode(encode(case, "value"))
        assert again.digest() == case.digest()
        assert type(again) is type(case)
        assert (dict(again.sizes), again.calls, again.shape) == (dict(case.sizes), case.calls, case.shape)
        assert [type(v) for v in again.parameters.values()] == [type(v) for v in case.parameters.values()]


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_every_case_of_the_repository_is_one_of_its_row_and_says_what_it_found(file):
    found = list(entries(file))
    assert len(found) == len(file.read_text().splitlines())
    for entry in found:
        case = decode(entry)
        assert case.contract.loss == file.stem
        assert case.reduction in case.contract.reductions
        assert all((case.format.round(a) == a).all() for a in floats(case))
        assert entry["note"]
    assert sum(map(len, by_row(found).values())) == len(found)


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_torch_passes_every_case_of_the_repository_or_its_deviation_is_known(file):
    for contract, check, dtype, reduction, _ in by_row(entries(file)):
        row = Row(item(torch_subject(CONTRACTS[contract]), contract, check, dtype, reduction))
        for case in KNOWN.cases(row.item):
            row.feed(case)
        assert {tally.verdict() for tally in row.tallies.values()} <= {"pass", "known"}


def test_a_rare_bug_is_found_by_a_case_of_the_corpus_alone(tmp_path):
    case = witness_case("L1Loss", "float32", input=[1234.5], target=[1.0])
    merge(tmp_path, [encode(case, "value", note="wrong in one place")])
    assert not fails(Corpus())
    assert fails(Corpus(tmp_path))


def test_what_one_run_finds_the_next_one_asks_first(tmp_path):
    subject = "HuberLoss=conformance.mutants.planted:HuberIgnoresDelta"
    options = ["--subject", subject, "--check", "value", "--dtype", "bfloat16", "--reduction", "none"]
    run(*options, cwd=tmp_path)
    (file,) = (tmp_path / "out" / "corpus").iterdir()
    (found,) = (decode(entry) for entry in entries(file))
    subject = Subject(HuberIgnoresDelta, name="any")
    row = Row(item(subject, "huber_loss", dtype="bfloat16"), beside(tmp_path / "out/r.json"))
    assert next(row.cases()).digest() == found.digest()
    assert read(tmp_path)["rows"][0]["reproducer"].startswith("reproducers/")
    assert (tmp_path / "out" / read(tmp_path)["rows"][0]["reproducer"]).is_file()


def test_the_cases_of_the_corpus_change_no_drawn_one(tmp_path):
    known = [encode(case, "value") for case in first_cases("huber_loss", dtype="float16")[:3]]
    for entry in known:
        entry |= {"dtype": "float32", "reduction": "none"}
    merge(tmp_path, known)
    row = Row(item(torch_subject(CONTRACTS["huber_loss"]), "huber_loss"), Corpus(tmp_path))
    drawn = streams.cases(0, "huber_loss", "value", "float32", "none", lambda done: done >= 1)
    assert [c.digest() for c in islice(row.cases(), 3, None)] == [c.digest() for c in drawn]


def test_a_case_is_kept_once_and_a_row_keeps_a_few(tmp_path):
    cases = [witness_case("L1Loss", "float32", input=[float(i)], target=[0.0]) for i in range(2 * MOST)]
    for _ in range(2):
        merge(tmp_path, [encode(case, "value") for case in cases])
    kept = list(entries(tmp_path / "L1Loss.jsonl"))
    assert [decode(entry).digest() for entry in kept] == [case.digest() for case in cases[:MOST]]
    assert {key_of(entry) for entry in kept} == {("l1_loss", "value", "float32", "none", None)}


def test_lines_that_are_no_cases_are_passed_over(tmp_path):
    good = encode(witness_case("L1Loss", "float32", input=[1.0], target=[0.0]), "value")
    merge(tmp_path, [good])
    file = tmp_path / "L1Loss.jsonl"
    other = {**good, "arguments": {"no_such_argument": None}}
    file.write_text('{"half a line\n' + file.read_text() + "[]\n" + json.dumps(other) + "\n")
    assert len(Corpus(tmp_path).cases(item(torch_subject(CONTRACTS["l1_loss"]), "l1_loss"))) == 1
