"""Is the history only ever added to, and does a bad line cost no more than itself?"""

import json

import pytest

from reports.__main__ import main
from reports.history.store import TOLD, read
from reports.history.synthetic import run, save
from reports.perf.synthetic import benchmark, benchmarks, cell, gate
from reports.perf.synthetic import save as save_json


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Adds a run to a history with the command, and reads the history."""
    monkeypatch.chdir(tmp_path)

    def make(document=None, *more):
        save_json(document or benchmarks(), tmp_path / "perf.json")
        assert main(["history", "add", "--perf", "perf.json", "--file", "h.jsonl", *more]) == 0
        return [json.loads(line) for line in (tmp_path / "h.jsonl").read_text().splitlines() if line]

    return make


def test_a_run_is_one_line(add):
    (line,) = add(None, "--commit", "abc", "--date", "2025-02-03T04:05:06+00:00")
    assert (line["schema"], line["fingerprint"], line["commit"]) == (1, "a1b2c3d4e5f6", "abc")
    assert line["date"] == "2025-02-03T04:05:06+00:00"
    assert line["machine"] == {
        "cpu": "A CPU", "capability": "AVX2", "cores": 2, "memory": 8, "torch": "9.9.9", "python": "9.9.9",
    }  # fmt: skip


def test_commit_and_date_are_those_of_the_benchmarks(add):
    (line,) = add()
    assert (line["commit"], line["date"]) == ("0123456789abcdef", "2025-01-01T00:00:00+00:00")


def test_ratios_are_to_eager_torch_on_the_same_tensors(add):
    made = [benchmark(how=how, seconds=s) for how, s in (("eager", 2.0), ("compile", 1.0), ("jax", 3.0))]
    made += [benchmark(how="oracle", size="S", seconds=7.0)]
    kept = add(benchmarks(made))[0]["cells"]
    ratios = {name.split("-")[1]: each.get("ratio") for name, each in kept.items()}
    assert ratios == {"eager": None, "compile": 0.5, "jax": 1.5}


def test_no_time_is_kept(add):
    (line,) = add()
    assert {key for each in line["cells"].values() for key in each} <= {
        "ratio", "bytes", "operators", "peak_bytes", "saved_bytes", "instructions",
    }  # fmt: skip
    assert line["cells"]["HuberLoss-eager-forward-M-float32-cpu"]["operators"] == 2


def test_the_oracles_memory_is_no_exact_count_and_not_kept(add):
    made = [benchmark(), benchmark(how="oracle")]
    kept = {name.split("-")[1]: each for name, each in add(benchmarks(made))[0]["cells"].items()}
    assert kept["eager"]["peak_bytes"] == 12 * 2**16
    assert set(kept["oracle"]) == {"ratio"}


def test_instructions_come_from_a_gate_of_torch_on_the_same_machine(add, tmp_path):
    name = "HuberLoss-eager-forward-M-float32-cpu"
    for changes, expected in (({"head": ["torch.nn"]}, 1_000_000), ({"head": ["mine:Huber"]}, None)):
        made = gate([cell(head=changes["head"][0])])
        save_json(made | {"header": made["header"] | changes}, tmp_path / "gate.json")
        assert add(None, "--gate", "gate.json")[-1]["cells"][name].get("instructions") == expected
    other = made["header"] | {"head": ["torch.nn"], "fingerprint": "other"}
    save_json(made | {"header": other}, tmp_path / "gate.json")
    assert "instructions" not in add(None, "--gate", "gate.json")[-1]["cells"][name]


def test_adding_keeps_what_is_there_byte_by_byte(add, tmp_path):
    add()
    before = (tmp_path / "h.jsonl").read_bytes()
    assert len(add()) == 2
    assert (tmp_path / "h.jsonl").read_bytes().startswith(before)


def test_after_a_line_that_was_cut_short_a_new_one_begins(add, tmp_path, capsys):
    path = tmp_path / "h.jsonl"
    whole = json.dumps(run(0, {"a": {"ratio": 1.0}}))
    path.write_text(f"{whole}\n{whole[:40]}")
    save_json(benchmarks(), tmp_path / "perf.json")
    assert main(["history", "add", "--perf", "perf.json", "--file", "h.jsonl"]) == 0
    assert path.read_text().startswith(f"{whole}\n{whole[:40]}\n")
    told = capsys.readouterr().out.splitlines()
    assert [each for each in told if "left out" in each] == [told[0]]
    assert told[0].startswith("h.jsonl line 2: not JSON")
    history = read(path)
    assert len(history.runs) == 2
    assert len(history.warnings) == 1


FOREIGN = (
    "nonsense",
    "[]",
    "{}",
    json.dumps(run(0, {}) | {"schema": 2}),
    json.dumps(run(0, {}) | {"fingerprint": 3}),
    json.dumps(run(0, {}) | {"date": "yesterday"}),
    json.dumps(run(0, [])),
    json.dumps(run(0, {"a": 3})),
    json.dumps(run(0, {"a": {"ratio": "fast"}})),
    json.dumps(run(0, {"a": {"ratio": [1]}})),
    json.dumps(run(0, {"a": {"ratio": {}}})),
    '{"schema": 1, "a": ' + "[" * 50_000,
    json.dumps(run(0, {"a": {"ratio": 1.0}}))[:-20],
    json.dumps(run(0, {"a": {"bytes": 10**400}})),
)


@pytest.mark.parametrize("line", FOREIGN)
def test_a_foreign_line_is_one_warning_and_the_others_count(tmp_path, line):
    path = tmp_path / "h.jsonl"
    good = [json.dumps(run(n, {"b": {"ratio": 1.0}})) for n in range(2)]
    path.write_text("\n".join([good[0], line, good[1]]) + "\n")
    before = path.read_bytes()
    history = read(path)
    assert len(history.runs) == 2
    assert history.cells == ["b"]
    (warning,) = history.warnings
    assert warning.startswith("h.jsonl line 2")
    assert "\n" not in warning
    assert path.read_bytes() == before


def test_lines_that_are_not_utf8_are_left_out(tmp_path):
    path = tmp_path / "h.jsonl"
    path.write_bytes(b"\xff\xfe\x00\n" + json.dumps(run(0, {})).encode() + b"\n")
    assert (len(read(path).runs), len(read(path).warnings)) == (1, 1)


def test_many_bad_lines_are_few_warnings(tmp_path):
    path = tmp_path / "h.jsonl"
    path.write_text("x\n" * 100)
    assert len(read(path).warnings) == TOLD + 1
    assert "95 more lines" in read(path).warnings[-1]


def test_runs_are_ordered_by_date(tmp_path):
    history = read(save([run(n, {"a": {"bytes": n}}) for n in (3, 1, 2)], tmp_path / "h.jsonl"))
    assert history.numbers["bytes"][:, 0].tolist() == [1, 2, 3]


def test_dates_with_and_without_a_zone_are_ordered(tmp_path):
    dates = ["2025-01-02", "2025-01-01T23:00:00", "2025-01-01T23:30:00+05:00"]
    lines = [run(n, {"a": {"bytes": n}}) | {"date": date} for n, date in enumerate(dates)]
    assert read(save(lines, tmp_path / "h.jsonl")).numbers["bytes"][:, 0].tolist() == [2, 1, 0]


def test_another_machine_is_a_break_and_no_error(add, capsys):
    add()
    assert len(add(benchmarks(fingerprint="ffffffffffff"))) == 2
    assert "machine break: ffffffffffff after a1b2c3d4e5f6" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "--perf", "gone.json"], "gone.json: no such file"),
        (["add", "--perf", "bad.json"], "bad.json: not a benchmark file"),
        (["add", "--perf", "perf.json", "--gate", "gone.json"], "gone.json: no such file"),
        (["add", "--perf", "perf.json", "--date", "yesterday", "--file", "h.jsonl"], "'yesterday' is no date"),
        (["show"], "history.jsonl: no such file"),
        (["show", "--file", "good.jsonl", "--cell", "none"], "no cell is named like 'none'"),
        (["show", "--sell", "x"], "unrecognized arguments"),
        (["forget"], "invalid choice"),
        ([], "required"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(tmp_path)
    save_json({}, tmp_path / "bad.json")
    save_json(benchmarks(), tmp_path / "perf.json")
    save([run(0, {"a": {"ratio": 1.0}})], tmp_path / "good.jsonl")
    assert main(["history", *arguments]) == 4
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "h.jsonl").exists()
