"""Is the history of conformance only ever added to, and does its page show how each loss went?"""

import json

import pytest

from reports.__main__ import main
from reports.hostile_selftest import poisoned
from reports.synthetic import Page, full, row, synthetic
from reports.trend.store import ratio, read
from reports.trend.view import PLOTS, view


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Adds runs with the command, each a day later; returns the history."""
    monkeypatch.chdir(tmp_path)

    def make(*documents):
        for document in documents:
            (tmp_path / "r.json").write_text(json.dumps(document))
            held = (tmp_path / "t.jsonl").read_bytes().count(b"\n") if (tmp_path / "t.jsonl").exists() else 0
            day = f"2025-01-{held + 1:02}"
            assert main(["trend", "add", "r.json", "--file", "t.jsonl", "--date", day, "--commit", f"c{held}"]) == 0
        return read(tmp_path / "t.jsonl")

    return make


@pytest.fixture
def page(tmp_path):
    def make(*more):
        assert main(["trend", "show", "--file", "t.jsonl", "--html", "out/trend.html", *more]) == 0
        return Page((tmp_path / "out" / "trend.html").read_text())

    return make


def with_torch(version, rows):
    document = synthetic(rows)
    document["header"]["environment"]["torch"] = version
    return document


HUBER = ("torch.nn", "HuberLoss", "cpu", "eager")


def test_a_run_keeps_verdicts_grades_ratios_and_deviations_of_each_loss(add):
    rows = [row(worst_ratio=0.5), row(worst_ratio=1.5, grade="A"), row(loss="L1Loss", dtype="float16")]
    rows.append(row(verdict="known", grade="F", worst_ratio="inf", deviation=["b", "a"]))
    (run,) = add(synthetic(rows)).runs
    kept = run.losses[HUBER]
    assert kept["verdicts"] == {"known": 1, "pass": 2}
    assert kept["deviations"] == ["a", "b"]
    numbers = {"grade": "B", "grades": {"A": 1, "B": 1, "F": 1}, "ratio": 1.5, "ulp": 0.75, "known_ratio": "inf"}
    assert kept["dtypes"]["float32"] == numbers
    assert ratio(run, ("torch.nn", "L1Loss", "cpu", "eager"), "float16") == 0.5


def test_the_worst_ratio_is_nan_before_infinity_before_any_number(add):
    (run,) = add(synthetic([row(worst_ratio=each) for each in (1.0, "nan", "inf")])).runs
    assert ratio(run, HUBER, "float32") == float("inf")


def test_runs_are_added_and_never_changed(add, tmp_path):
    add(synthetic([row()]))
    before = (tmp_path / "t.jsonl").read_bytes()
    assert len(add(synthetic([row()])).runs) == 2
    assert (tmp_path / "t.jsonl").read_bytes().startswith(before)


def test_a_line_that_was_cut_is_one_warning_and_the_others_stand(add, tmp_path, capsys):
    add(synthetic([row()]), synthetic([row()]))
    path = tmp_path / "t.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    before = path.read_bytes()
    history = add(synthetic([row()]))
    assert path.read_bytes().startswith(before)
    assert len(history.runs) == 2
    (warning,) = history.warnings
    assert warning.startswith("t.jsonl line 2")
    assert capsys.readouterr().out.count("left out") == 1


@pytest.mark.parametrize(
    "change", [{"losses": None}, {"losses": [1]}, {"date": "soon"}, {"kind": "speed"}, {"schema": 2}]
)
def test_a_line_that_is_no_run_is_left_out(add, tmp_path, change):
    add(synthetic([row()]))
    path = tmp_path / "t.jsonl"
    path.write_text(path.read_text() + json.dumps(json.loads(path.read_text()) | change) + "\n")
    history = read(path)
    assert (len(history.runs), len(history.warnings)) == (1, 1)


def test_the_news_of_a_run_are_versions_failures_deviations_and_grades(add):
    known = row(verdict="known", grade="F", deviation=["a"], dtype="float16")
    history = add(
        with_torch("2.13.0", [row(), known]),
        with_torch("2.14.0", [row(verdict="fail", grade="F", worst_ratio=9.0), known | {"deviation": ["b"]}]),
    )
    assert view(history).runs[0].news == [
        "torch 2.13.0 → 2.14.0",
        "new deviation b",
        "vanished deviation a",
        "HuberLoss: 0 → 1 failures",
        "HuberLoss float32: grade B → F, ratio 0.500 → 9.00",
    ]


def test_the_page_marks_failures_deviations_and_versions(add, page):
    add(
        with_torch("2.13.0+cpu", [row()]), with_torch("2.14.0+cpu", [row(verdict="fail", grade="F", worst_ratio="inf")])
    )
    shown = page()
    assert "torch 2.14.0<" in shown.part("<figure", "</figure>")
    assert "1 failures" in shown.part("<h1", "</h1>")
    assert 'style="fill: var(--fail)' in shown.part("<figure", "</figure>")


def test_a_loss_that_fails_comes_first(add, page):
    add(synthetic([row(), row(loss="L1Loss"), row(loss="MSELoss", verdict="fail")]))
    assert "MSELoss" in page().part("<figcaption>", "</figcaption>")


def test_a_loss_can_be_asked_for(add, page):
    add(synthetic([row(), row(loss="L1Loss"), row(loss="MSELoss")]))
    assert page("--loss", "L1*").text.count("<figure") == 1


def test_an_incomplete_run_is_kept_and_said(add, page, capsys):
    add(synthetic([row()], complete=False))
    assert "incomplete" in capsys.readouterr().out
    assert "incomplete" in page().part("<h1", "</h1>")


def test_hostile_strings_stay_text_on_a_page_without_network(add, page):
    add(poisoned(full()), poisoned(synthetic([row()])))
    shown = page()
    assert "alert(1)" in shown.text
    assert not shown.all("img") + shown.all("script") + shown.all("link")
    assert "evil.example/x onerror=alert(1)>" not in shown.text
    assert not [name for _, attributes in shown.elements for name in attributes if name.startswith("on")]


def test_a_hundred_runs_of_many_losses_are_a_small_page(add, page, tmp_path):
    dtypes = ("float16", "bfloat16", "float32", "float64")
    rows = [row(loss=f"L{n}Loss", dtype=dtype) for n in range(PLOTS + 5) for dtype in dtypes]
    add(synthetic(rows))
    line = json.loads((tmp_path / "t.jsonl").read_text())
    lines = [json.dumps(line | {"date": f"2025-{1 + n // 28:02}-{1 + n % 28:02}"}) + "\n" for n in range(100)]
    (tmp_path / "t.jsonl").write_text("".join(lines))
    shown = page()
    assert shown.text.count("<figure") == PLOTS
    assert len(shown.text.encode()) < 3_000_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add"], "required"),
        (["add", "gone.json"], "gone.json: no such file"),
        (["add", "bad.json"], "not a results file"),
        (["add", "empty.json"], "without rows"),
        (["add", "good.json", "--date", "soon"], "'soon' is no date"),
        (["add", "good.json", "--file", "speed.jsonl"], "no line of it is a conformance run"),
        (["show"], "no such file"),
        (["show", "--file", "h.jsonl", "--loss", "none"], "no loss is named like 'none'"),
        (["forget"], "invalid choice"),
        ([], "required"),
    ],
)
def test_a_mistake_is_one_line_and_adds_nothing(tmp_path, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(tmp_path)
    for name, document in (("bad", {}), ("empty", synthetic([])), ("good", synthetic([row()]))):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    (tmp_path / "speed.jsonl").write_text('{"schema": 1, "fingerprint": "a"}\n')
    assert main(["trend", "add", "good.json", "--file", "h.jsonl"]) == 0
    before = [(path, path.read_bytes()) for path in sorted(tmp_path.glob("*.jsonl"))]
    capsys.readouterr()
    assert main(["trend", *arguments]) == 4
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert [(path, path.read_bytes()) for path in sorted(tmp_path.rglob("*.jsonl"))] == before
