"""Is whatever a results file contains text on the page, and no more?"""

import re

import pytest

from reports.synthetic import HOSTILE, SCHEMA, deviation, failing, full, row, synthetic


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
    assert linked <= {"https://github.com/pytorch/pytorch/issues/12345", "reproducers/1.py"}
    assert not re.search(r"@import|url\(", made.part("<style>", "</style>"))


@pytest.mark.parametrize("upstream", ["javascript:alert(1)", "a forum", "x/y#1 ", "https://evil.example/#1", None])
def test_only_github_is_linked(page, upstream):
    made = page(synthetic([row()], [deviation("a", upstream=upstream)]))
    assert all(each["href"].startswith("#") for each in made.all("a"))


OUTSIDE = (
    "/etc/passwd",
    "../secret.py",
    "reproducers/../../secret.py",
    "javascript:alert(1)",
    "//evil.example/x.py",
    "https://evil.example/x.py",
    "a\\b.py",
    "a b.py",
    "a.py#x",
    "./a.py",
    "%2e%2e/a.py",
    "a.py\n",
    "",
)


@pytest.mark.parametrize("path", OUTSIDE)
def test_only_scripts_below_the_results_are_linked(page, path):
    rows = [failing(reproducer=path), row(verdict="known", deviation=["a"], reproducer=path, check="layout")]
    made = page(synthetic(rows, [deviation("a", upstream=None)]))
    assert all(each["href"].startswith("#") for each in made.all("a"))


def test_a_question_of_any_length_is_survived(page):
    made = page(synthetic([row(check="layout", question="9" * 5000), row(check="layout", question="10")]))
    assert "9" * 5000 in made.text
