"""Are short names of cells short, and never ambiguous?"""

from reports.perf.names import short
from reports.perf.synthetic import cell


def test_only_what_differs_is_told():
    cells = [cell(loss, way) for loss in ("L1Loss", "CTCLoss") for way in ("forward", "forward+backward")]
    assert list(short(cells).values()) == [
        "L1Loss forward", "L1Loss forward+backward", "CTCLoss forward", "CTCLoss forward+backward",
    ]  # fmt: skip


def test_names_that_would_be_alike_are_whole():
    first, second = cell(), cell(cell="another")
    assert short([first, second, cell("L1Loss")]) == {
        first["cell"]: first["cell"], "another": "another", cell("L1Loss")["cell"]: "L1Loss",
    }  # fmt: skip


def test_a_cell_without_parts_keeps_its_name():
    bare = cell(None, None, None, cell="verified rows per second")
    assert short([bare, cell()])["verified rows per second"] == "verified rows per second"
