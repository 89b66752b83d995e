"""Does the page say what the results file says, to every reader, whatever the file contains?"""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from reports import grouping, load, words
from reports.__main__ import main

SCHEMA = json.loads((Path(__file__).parent.parent / "conformance" / "results.schema.json").read_text())
SECTIONS = ("failures", "grades", "deviations", "promises", "skipped", "legend")
HOSTILE = "\"'><img src=http://evil.example/x onerror=alert(1)></script></template></style><script>alert(2)</script>"


def witness(elements=3):
    """A float witness whose input has as many elements."""
    data = [(index / 7).hex() for index in range(elements)]
    return {
        "arguments": {"input": {"shape": [elements], "data": data}, "weight": None},
        "parameters": {"delta": 1.0},
        "cotangent": {"value": {"shape": [1], "data": ["-inf"]}},
        "index": [1],
        "expected": (0.1).hex(),
        "observed": "nan",
        "eager": None,
        "bound": (1e-9).hex(),
        "error_ulp": "inf",
        "ratio": 97.25,
    }


def row(**changes):
    """A passing row, changed as asked."""
    return {
        "subject": "torch.nn",
        "loss": "HuberLoss",
        "check": "value",
        "quantity": "value",
        "dtype": "float32",
        "reduction": "none",
        "device": "cpu",
        "mode": "eager",
        "verdict": "pass",
        "cases": 1000,
        "vacuous": 0,
        "excused": 0,
        "worst_ratio": 0.5,
        "worst_ulp": 0.75,
        "sharpness": 2.0,
        "grade": "B",
        "witness": None,
        "deviation": [],
        "reproducer": None,
        "message": None,
        "seconds": 0.25,
    } | changes


def failing(**changes):
    """A failing row with a witness."""
    return row(verdict="fail", grade="F", worst_ratio="inf", witness=witness(), message="off by a lot", **changes)


def deviation(name, **changes):
    """A described deviation."""
    return {
        "id": name,
        "loss": "HuberLoss",
        "quantity": "value",
        "check": "value",
        "dtypes": ["float16"],
        "summary": f"summary of {name}",
        "explanation": f"explanation of {name}",
        "condition": "where the sum overflows",
        "severity": "accuracy",
        "upstream": "pytorch/pytorch#12345",
        "confirmed": "torch 2.13, cpu, x86_64, AVX2",
        "share": 0.05,
        "witness": witness(),
        "reproduces": True,
    } | changes


def contract(loss="HuberLoss", **changes):
    """A contract that promises B in float32 and C in float16."""
    promise = {"quantity": "value", "dtype": "float32", "grade": "B", "reason": None}
    coarse = promise | {"dtype": "float16", "grade": "C", "reason": "sixteen-bit steps"}
    return {
        "loss": loss,
        "name": loss.lower(),
        "family": "regression",
        "summary": "Squared near zero, linear elsewhere.",
        "dtypes": ["float16", "float32"],
        "reductions": ["none", "mean", "sum"],
        "arguments": ["input", "target"],
        "promises": [promise, coarse],
    } | changes


def synthetic(rows, deviations=(), contracts=None, **footer):
    """A results file with these rows, deviations and contracts; `footer` changes its footer."""
    versions = dict.fromkeys(("torch", "jax", "numpy", "scipy", "hypothesis", "python"), "9.9.9")
    counts = {each: sum(row["verdict"] == each for row in rows) for each in load.VERDICTS}
    machine = {"platform": "Linux", "cpu": "A CPU", "cpu_capability": "AVX2", "gpu": None, "threads": 2}
    return {
        "schema": 1,
        "header": {
            "suite_version": "0.1.0",
            "environment": versions | machine,
            "command": ["pytest", "conformance", "--seed=7"],
            "seed": 7,
            "budget": "gate",
            "started": "2025-01-01T00:00:00Z",
            "contracts": [contract()] if contracts is None else contracts,
            "deviations": list(deviations),
        },
        "rows": rows,
        "footer": {
            "complete": True,
            "counts": counts,
            "exit_status": int(counts["fail"] > 0),
            "finished": "2025-01-01T00:20:00Z",
            "rows_verified": 1234567,
            "reasons": [],
        }
        | footer,
    }


class Page(HTMLParser):
    """A page's elements, the text in each id, and whether its tags nest."""

    def __init__(self, text):
        super().__init__()
        self.text, self.elements, self.ids, self._open = text, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def cell(self, dtype, loss="HuberLoss"):
        return next(each for each in self.all("button") if each["id"].endswith(f"{loss}:cpu:{dtype}"))

    def part(self, start, end="</section>"):
        begin = self.text.index(start)
        return self.text[begin : self.text.index(end, begin)]


@pytest.fixture
def page(tmp_path):
    """Writes a results file, makes the page with the command, and reads it."""

    def make(document):
        path = tmp_path / "conformance.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        assert main(["--results", str(path)]) == 0
        return Page((tmp_path / "index.html").read_text(encoding="utf-8"))

    return make


def full():
    """A run with every state that the page knows."""
    rows = [
        row(),
        row(reduction="sum", grade="A"),
        failing(loss="MSELoss", reproducer="reproducers/1.py"),
        row(dtype="float16", verdict="known", grade="F", deviation=["huber-overflow"], excused=3),
        row(loss="MSELoss", dtype="float64", verdict="skip", grade=None, cases=0, message="not for 'Half'"),
        row(loss="MSELoss", dtype=None, check="rejection", grade=None, worst_ratio=None, quantity=None),
        row(loss="MSELoss", dtype="float16", grade=None, vacuous=1000, worst_ratio=None),
        row(loss="L1Loss", verdict="note", message="no longer shows"),
        row(subject="mine:Huber", worst_ratio="nan"),
    ]
    return synthetic(rows, [deviation("huber-overflow"), deviation("unmet", severity="wrong")])


def test_a_synthetic_run_is_valid():
    jsonschema.Draft202012Validator(SCHEMA).validate(full())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: run.update(schema=2),
        lambda run: run["rows"][0].pop("sharpness"),
        lambda run: run["rows"][0].update(extra=1),
        lambda run: run["rows"][0].update(verdict="ok"),
        lambda run: run["rows"][0].update(worst_ratio="Infinity"),
        lambda run: run["rows"][0].update(check="speed"),
        lambda run: run["rows"][2]["witness"]["arguments"]["input"]["data"].append(0.5),
        lambda run: run["header"]["deviations"][0].update(severity="bad"),
        lambda run: run["header"].pop("seed"),
        lambda run: run["footer"].pop("complete"),
    ],
)
def test_the_schema_refuses_a_spoilt_run(spoil):
    run = full()
    spoil(run)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(run)


def test_the_reader_orders_every_check_that_the_schema_names():
    assert set(grouping._CHECKS) == set(SCHEMA["$defs"]["check"]["enum"])


def test_the_reader_and_the_schema_name_the_same_keys():
    for name, keys in (("row", load._ROW), ("witness", load._WITNESS), ("footer", load._FOOTER)):
        assert set(SCHEMA["$defs"][name]["properties"]) == set(keys)
    assert set(SCHEMA["$defs"]["header"]["properties"]) == set(load._HEADER)
    assert set(SCHEMA["$defs"]["deviation"]["properties"]) == set(load._DEVIATION)


def test_a_kept_promise_is_one_line(page):
    made = page(synthetic([row(), row(loss="L1Loss")]))
    text = re.sub(r"<.*?>", "", made.part("<h1", "</h1>") + "</h1>")
    counts = "2 losses, 1,234,567 rows verified, 0 failures, 0 known deviations, 0 skips"
    assert text == f"torch.nn keeps its promises: {counts}"


@pytest.mark.parametrize(
    ("run", "headline"),
    [
        (synthetic([row(), failing()]), "torch.nn breaks its promises"),
        (synthetic([failing(), row(subject="mine")]), "1 of 2 subjects break their promises"),
        (synthetic([row(), row(subject="mine")]), "All 2 subjects keep their promises"),
        (synthetic([row()], complete=False), "Incomplete run, no verdict"),
        (synthetic([row()], exit_status=1, reasons=["a stale one"]), "No failure, but the run does not pass"),
        (synthetic([]), "Nothing was verified"),
    ],
)
def test_the_headline_tells_how_the_run_ended(page, run, headline):
    made = page(run)
    assert headline in made.part("<h1", "</h1>")
    assert all(reason in made.text for reason in run["footer"]["reasons"])


def test_subjects_named_after_their_loss_are_one_subject(page):
    made = page(synthetic([row(subject=f"torch.nn.{loss}", loss=loss) for loss in ("L1Loss", "MSELoss")]))
    assert "torch.nn keeps its promises" in made.part("<h1", "</h1>")


def test_the_order_of_the_rows_does_not_change_the_page(page):
    run = full()
    assert page(run).text == page(run | {"rows": run["rows"][::-1]}).text


def test_every_section_is_there_and_failures_come_first(page):
    made = page(full())
    places = [made.text.index(f'<section id="{name}">') for name in SECTIONS]
    assert places == sorted(places)


def test_the_top_tells_what_was_tested(page):
    top = page(full()).part("<header>", "</header>")
    told = ("mine:Huber", "torch 9.9.9", "A CPU", "AVX2", "7, gate", "pytest conformance --seed=7")
    assert [each for each in told if each not in top] == []


def test_a_failure_shows_its_witness_readable_and_exact(page):
    shown = page(full()).part('<section id="failures">')
    told = (
        "MSELoss".replace("L", "<wbr>L"),
        "off by a lot",
        "0.1<",
        (0.1).hex(),
        (1 / 7).hex(),
        "0.142857143",
    )
    assert [
        each for each in (*told, "reproducers/1.py", "index [1]", "∞", "cotangent", "-inf") if each not in shown
    ] == []


@pytest.mark.parametrize(
    ("rows", "letter", "classes"),
    [
        ([row(), row(grade="A")], "B", "t-b is-pass"),
        ([row(grade="C"), row(grade="A")], "C", "t-c is-pass"),
        ([row(grade="A"), failing()], "F", "t-f is-fail"),
        ([row(), row(grade=None, check="purity", verdict="fail")], "B", "t-b is-fail"),
        ([row(grade="F", verdict="known"), row()], "F", "t-f is-known"),
        ([row(grade=None, vacuous=9)], "∅", "t-vacuous is-pass"),
        ([row(grade=None, verdict="skip")], "–", "t-skip is-skip"),
        ([row(grade=None)], "✓", "t-pass is-pass"),
        ([row(grade=None), row(grade=None, verdict="fail")], "!", "t-fail is-fail"),
    ],
)
def test_a_cell_has_the_worst_grade_and_verdict_of_its_rows(page, rows, letter, classes):
    made = page(synthetic(rows))
    cell = made.cell("float32")
    assert cell["class"] == f"cell {classes}"
    assert f"<b>{letter}</b>" in made.part(f'id="{cell["id"]}"', "</button>")


def test_a_promised_dtype_without_rows_is_marked(page):
    run = synthetic([row(), row(loss="L1Loss", dtype="float16")])
    assert page(run).text.count('title="no rows in this run">·') == 1


def test_every_cell_opens_with_a_button_that_has_its_rows(page):
    made = page(full())
    buttons, templates = made.all("button"), {each["data-rows"] for each in made.all("template")}
    assert {each["id"] for each in buttons} == templates
    assert all(each["aria-expanded"] == "false" and each["aria-label"] for each in buttons)
    assert made.text.count("<tr><td>") >= len(full()["rows"])


def test_ids_are_unique_and_links_within_the_page_lead_somewhere(page):
    made = page(full())
    links = {each["href"][1:] for each in made.all("a") if each["href"].startswith("#")}
    assert len(made.ids) == len(set(made.ids))
    assert links <= set(made.ids)
    assert {"deviation:huber-overflow", "failure:1", *SECTIONS[:-1]} <= links


def test_severe_deviations_come_first_with_all_that_is_known(page):
    run = synthetic(
        [row(verdict="known", deviation=["b"], cases=999, excused=88)],
        [deviation("a"), deviation("b"), deviation("c", severity="wrong"), deviation("d", severity="nan")],
    )
    shown = page(run).part('<section id="deviations">')
    assert re.findall(r'id="deviation:(.)"', shown) == ["c", "d", "b", "a"]
    told = ("explanation of b", "where the sum overflows", "88 of 999", "5 %", (0.1).hex(), "s-wrong")
    assert [each for each in told if each not in shown] == []
    assert 'href="https://github.com/pytorch/pytorch/issues/12345"' in shown


def test_a_stale_deviation_says_so(page):
    kept, stale = (page(synthetic([row()], [deviation("a", reproduces=each)])).text for each in (True, False))
    assert "stale" not in kept
    assert "stale" in stale


def test_a_deviation_without_description_has_a_section(page):
    made = page(synthetic([row(verdict="known", deviation=["from the adopter's file"])]))
    assert "This file has no description of it." in made.part('<section id="deviations">')


def test_promises_of_less_than_b_are_listed_with_their_reason(page):
    shown = page(synthetic([row()])).part('<section id="promises">')
    assert "sixteen-bit steps" in shown
    assert "float16" in shown
    assert "float32" not in shown


def test_skips_are_grouped_by_message(page):
    skips = [row(verdict="skip", message="no Half", dtype=each) for each in ("float16", "bfloat16")]
    shown = page(synthetic([row(), *skips, row(verdict="skip", message="other")])).part('<section id="skipped">')
    assert shown.count("no Half") == 1
    assert "float16, bfloat16" in shown


def test_an_incomplete_run_is_loud(page):
    assert page(synthetic([row()])).text.count('role="alert"') == 0
    banner = page(synthetic([row()], complete=False)).part('role="alert"', "</div>")
    assert "Incomplete run" in banner


def poisoned(thing):
    """The same structure with something hostile at the end of every string that is free text."""
    fixed = {"verdict", "grade", "worst_ratio", "error_ulp", "severity", "data"}
    if isinstance(thing, dict):
        return {
            key if key in words_of_the_schema() else key + HOSTILE: value if key in fixed else poisoned(value)
            for key, value in thing.items()
        }
    if isinstance(thing, list):
        return [poisoned(each) for each in thing]
    return thing + HOSTILE if isinstance(thing, str) else thing


def words_of_the_schema():
    """Every key that the schema names."""
    named = [SCHEMA, *SCHEMA["$defs"].values(), SCHEMA["$defs"]["footer"]["properties"]["counts"]]
    return {key for each in named for key in each.get("properties", {})}


def test_hostile_strings_stay_text(page):
    made = page(poisoned(full()))
    assert "alert(1)" in made.text
    assert not made.all("img")
    assert len(made.all("script")) == len(made.all("style")) == 1
    assert not [name for _, attributes in made.elements for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("run", [full(), poisoned(full())], ids=["plain", "hostile"])
def test_the_page_needs_no_network(page, run):
    made = page(run)
    assert not made.all("link")
    assert not [attributes for _, attributes in made.elements if {"src", "srcset", "action"} & set(attributes)]
    linked = {each["href"] for each in made.all("a") if not each["href"].startswith("#")}
    assert linked <= {"https://github.com/pytorch/pytorch/issues/12345"}
    assert not re.search(r"@import|url\(", made.part("<style>", "</style>"))


@pytest.mark.parametrize("upstream", ["javascript:alert(1)", "a forum", "x/y#1 ", "https://evil.example/#1", None])
def test_only_github_is_linked(page, upstream):
    made = page(synthetic([row()], [deviation("a", upstream=upstream)]))
    assert all(each["href"].startswith("#") for each in made.all("a"))


def test_a_page_of_4000_rows_is_small(page):
    rows = [
        failing(loss=f"Loss{index % 25}", dtype=f"float{index % 4}", reduction=str(index))
        | {"witness": witness(500), "message": f"{index} " + "long " * 200}
        for index in range(4000)
    ]
    assert len(page(synthetic(rows)).text.encode()) < 3_000_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.78125, "0.781"),
        (1, "1.00"),
        (812.4, "812"),
        (123456.0, "1.23e5"),
        (1e-9, "1.00e-9"),
        (0, "0"),
        ("inf", "∞"),
        ("-inf", "-∞"),
        ("nan", "NaN"),
        (None, ""),
        ("what", "what"),
    ],
)
def test_numbers_are_short(value, text):
    assert words.number(value) == text


def test_a_witness_reads_back_the_same():
    for number in (0.1, -1e-310, 5e-324, 1.7976931348623157e308, -0.0):
        assert words.readable(number.hex()) == repr(number)
    assert words.readable([(1.5).hex(), "nan"]) == "(1.5, nan)"
    assert words.readable("12") == "12"


def test_a_tensor_has_a_line_for_each_run_of_its_last_axis():
    tensor = {"shape": [2, 3], "data": [1, 2, 3, 4, 5, 60]}
    assert words.lines(tensor) == " 1   2   3\n 4   5  60"
    assert words.lines({"shape": [100], "data": [0] * 100}).endswith("and 36 more")
    assert words.lines({"shape": [0], "data": []}) == "(empty)"


def test_anchors_are_the_same_in_every_run_and_differ_for_different_names():
    assert words.anchor("cell", "torch.nn", "HuberLoss") == "cell:torch.nn:HuberLoss"
    assert words.anchor("cell", "a b") != words.anchor("cell", "a-b") != words.anchor("cell", "a/b")
    assert words.anchor("cell", "a b") != words.anchor("cell", "a\tb")
    assert re.fullmatch(r"[\w.:/=-]+", words.anchor("cell", 'a "b" <c>'))
