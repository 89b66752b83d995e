"""The README's table of proofs is that of the committed ones, and those are whole, with nothing violated."""

from pathlib import Path

import pytest

from conformance.proof.table import proofs, table

README = (Path(__file__).parents[2] / "README.md").read_text()
PROOFS = proofs()


def test_the_table_of_proofs_is_current():
    start, end = "<!-- proofs: python -m conformance.proof.table -->", "<!-- /proofs -->"
    assert README.partition(start)[2].partition(end)[0].strip() == table(PROOFS)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: f"{proof['contract']}-{proof['dtype']}")
def test_a_committed_proof_is_over_the_whole_space(proof):
    assert proof["pairs"] == proof["space"]
    assert not any(of["failures"] for of in proof["quantities"].values())
    for of in proof["quantities"].values():
        assert of["elements"] + of["alike"] == proof["space"]
        assert sum(of["histogram"].values()) == of["elements"] - of["vacuous"]
