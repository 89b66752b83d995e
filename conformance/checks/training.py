"""Does a network that is trained with the subject get the right loss and the right gradient at every step?"""

from conformance.case import Case
from conformance.checks.check import check
from conformance.checks.gradient import compare_gradients
from conformance.checks.value import judge_values
from conformance.training import DTYPE, is_learnable, only_reduction

#: Nothing is drawn: what is asked are the batches of a training run.
NO_BLOCKS = dict.fromkeys(("smoke", "gate", "nightly"), (0, 0, 0))


@check(
    "training",
    applies=is_learnable,
    reductions=lambda contract: [only_reduction(contract)],
    dtypes=(DTYPE,),
    budgets=NO_BLOCKS,
)
def judge_step(row, case: Case) -> None:
    """One step by itself, as a fresh subject answers it; :mod:`conformance.student` takes all of them."""
    judge_values(row, case)
    compare_gradients(row, case)
