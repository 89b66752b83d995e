"""The README's table of losses is the one that the contracts give."""

from pathlib import Path

from conformance.table import losses_table
from reference import CONTRACTS

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_table_of_losses_is_current():
    start, end = "<!-- losses: python -m conformance.table -->", "<!-- /losses -->"
    shown = README.partition(start)[2].partition(end)[0].strip()
    assert shown == losses_table(CONTRACTS.values())
