"""The fixture that every self-test of the page shares."""

import json

import pytest

from reports.__main__ import main
from reports.synthetic import Page


@pytest.fixture
def page(tmp_path):
    """Writes a results file, makes the page with the command, and reads it."""

    def make(document):
        path = tmp_path / "conformance.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        assert main(["--results", str(path)]) == 0
        return Page((tmp_path / "index.html").read_text(encoding="utf-8"))

    return make
