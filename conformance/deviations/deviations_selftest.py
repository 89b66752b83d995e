"""Does every recorded deviation say why, show on its witness, and excuse no more than its cause explains?"""

import re
from dataclasses import replace

import numpy as np
import pytest

from conformance.case import Case
from conformance.deviations import DEVIATIONS, Deviation
from conformance.deviations.deviation import EVERY, Confirmed, deviation, witness_case
from conformance.row import Row, ask_quantity, shortfall, witness_item
from conformance.session import Session
from conformance.staleness import is_confirmed_here, replay
from conformance.subject import torch_subject
from conformance.verdict import THRESHOLD, compare
from reference.contract import COMPLEX_DTYPES

SEVERITIES = {"wrong", "nan", "accuracy", "convention"}

every_deviation = pytest.mark.parametrize("recorded", DEVIATIONS.values(), ids=list(DEVIATIONS))
NUMBERS = {id: d for id, d in DEVIATIONS.items() if d.says is None}
every_number = pytest.mark.parametrize("recorded", NUMBERS.values(), ids=list(NUMBERS))
MESSAGES = {id: d for id, d in DEVIATIONS.items() if d.says is not None}


def eager(recorded: Deviation, case: Case) -> np.ndarray:
    """What torch.nn answers to a case, in the deviation's first quantity and mode."""
    mode = recorded.modes[0] if recorded.modes else "eager"
    session = Session(torch_subject(case.contract), case, recorded.confirmed.device, mode=mode)
    return ask_quantity(session, recorded.quantities[0])


def failing(case: Case, quantity: str, actual: np.ndarray) -> np.ndarray:
    """Where an answer is below the promise."""
    return shortfall(case, quantity, compare(case, quantity, actual), actual)[0]


def too_far(recorded: Deviation, case: Case) -> np.ndarray:
    """On the side away from the truth, twice as far beyond the allowance as the threshold permits."""
    quantity = recorded.quantities[0]
    allowed, expected = recorded.allowance(case, quantity), case.expected(quantity)
    spread = 0.0 if allowed.spread is None else allowed.spread
    with np.errstate(all="ignore"):
        away = np.where(allowed.value < expected.value, -1.0, 1.0)
        width = np.maximum(THRESHOLD * allowed.error, case.format.ulp(allowed.value))
        beyond = allowed.value + away * (spread + 2 * width)
        another = np.where(np.isnan(allowed.value), -np.inf * np.copysign(1.0, expected.value), np.nan)
    return np.where(np.isfinite(beyond), beyond, another)


@every_deviation
def test_a_deviation_is_explained(recorded):
    assert recorded.summary.endswith(".")
    assert recorded.explanation
    assert recorded.condition
    assert recorded.severity in SEVERITIES
    assert 0 < recorded.share <= 1
    assert recorded.upstream is None or re.fullmatch(r"pytorch/pytorch#\d+", recorded.upstream)
    assert recorded.quantities
    assert recorded.reductions
    assert recorded.dtypes
    assert set(recorded.dtypes) <= {*EVERY, *COMPLEX_DTYPES}


@every_deviation
def test_the_witness_of_a_deviation_shows_it(recorded):
    row = replay(recorded)[0]
    assert row["verdict"] in ({"known"} if is_confirmed_here(recorded) else {"known", "note"}), row["message"]


def test_memory_never_set_that_is_right_by_chance_is_asked_for_again(monkeypatch):
    asked, own = [], Row.feed

    def feed(row, case):
        asked.append(case)
        if len(asked) > 2:
            own(row, case)

    monkeypatch.setattr(Row, "feed", feed)
    assert replay(DEVIATIONS["MultiMarginLoss-empty-batch"])[0]["verdict"] == "known"
    assert len(asked) > 2


@pytest.mark.parametrize("recorded", MESSAGES.values(), ids=list(MESSAGES))
def test_a_deviation_that_is_no_number_explains_its_own_message_only(recorded):
    case, quantity = recorded.witness(), recorded.quantities[0]
    row = Row(witness_item(recorded, case))
    row.problem(case, quantity, recorded.says)
    assert not row.tally(quantity).problems
    row.problem(case, quantity, f"{recorded.says}, and more")
    assert row.tally(quantity).problems


@every_number
def test_an_answer_twice_as_far_off_is_not_excused(recorded):
    case, quantity = recorded.witness(), recorded.quantities[0]
    answer = eager(recorded, case)
    departs = failing(case, quantity, answer)
    spread = recorded.allowance(case, quantity).spread
    departs &= ~np.isinf(0.0 if spread is None else spread)  # where any answer is excused, none is too far
    fault = np.where(departs, too_far(recorded, case), answer)
    assert failing(case, quantity, fault)[departs].all()
    assert not recorded.excuses(case, quantity, fault)[departs].any()
    row = Row(witness_item(recorded, case))
    row.judge(case, quantity, fault)
    assert bool(row.tally(quantity).failures) == bool(departs.any())


def test_a_deviation_excuses_only_what_it_names():
    recorded = DEVIATIONS["MSELoss-doubled-first"]
    case = recorded.witness()
    item = witness_item(recorded, case)
    assert recorded.concerns(item, "grad_input", case)
    assert not recorded.concerns(item, "value", case)
    assert not recorded.concerns(replace(item, contract_name="l1_loss"), "grad_input", case)
    assert not recorded.explains(item, "grad_input", "no gradient reaches it")


def test_two_deviations_of_one_name_are_refused():
    with pytest.raises(ValueError, match="registered twice"):
        deviation("MSELoss", of="gradient", witness={}, name="doubled-first")(lambda: None)


def test_a_deviation_is_confirmed_for_the_torch_that_is_pinned():
    assert Confirmed().torch == ">=2.13,<2.14"


def test_a_witness_case_reads_sizes_off_literal_numbers():
    case = witness_case("HuberLoss", "float32", "sum", input=[[1.0, 2.0]], target=[[0.0, 0.0]], delta=0.5)
    assert case.shape == (1, 2)
    assert case.parameters == {"delta": 0.5}
    assert case.expected_values["value"].value.tolist() == [0.5 * (1 - 0.25) + 0.5 * (2 - 0.25)]


def test_a_witness_of_complex_numbers_has_their_parts_last():
    case = witness_case("L1Loss", "complex64", input=[[3.0, 4.0]], target=[[0.0, 0.0]])
    assert case.shape == (1,)
    assert case.expected_values["value"].value.tolist() == [[5.0]]
