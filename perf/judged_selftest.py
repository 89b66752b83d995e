"""Nothing is timed whose answer is wrong."""

import numpy as np
import pytest

from perf.call import call_of
from perf.cell import PASSES, Cell, Workload, workload
from perf.judged import WrongAnswer, judge, parts
from reference import CONTRACTS

IMPLEMENTATIONS = ("eager", "oracle", "jax")


def asked(implementation, direction="forward+backward", name="huber_loss", size="S"):
    cell = Cell(name, implementation, direction, size)
    work = workload(CONTRACTS[name], size, "float32")
    call = call_of(cell, work)
    return cell, work, call.numbers(call.run())


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("direction", PASSES)
@pytest.mark.parametrize("name", ["huber_loss", "cross_entropy", "ctc_loss", "pairwise_distance"])
def test_every_implementation_answers_the_same_question(implementation, direction, name):
    cell, work, answers = asked(implementation, direction, name)
    assert set(answers) > {"value"} if direction == "forward+backward" else set(answers) == {"value"}
    assert judge(cell, work, answers) in ("pass", "known")


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("quantity", ["value", "grad_input"])
def test_a_wrong_answer_is_refused(implementation, quantity):
    cell, work, answers = asked(implementation)
    wrong = dict(answers) | {quantity: answers[quantity] * 1.001}
    with pytest.raises(WrongAnswer, match=f"{quantity} is wrong: test ratio"):
        judge(cell, work, wrong)


def test_every_repetition_of_a_row_is_judged():
    drawn = workload(CONTRACTS["huber_loss"], "S", "float32").judged
    answer = np.zeros((1, 2 * drawn.rows))
    work = Workload(drawn, drawn, 2)
    assert len(parts(work, "grad_input", answer)) == 1
    answer[0, -1] = 1.0
    assert len(parts(work, "grad_input", answer)) == 2
