"""Where torch.nn departs from a contract in shapes that are seldom met."""

import numpy as np

from conformance.case import lift_rounded, values
from conformance.deviations.deviation import HALF, SINGLE, deviation
from reference.arithmetic.rounded import Model, Rounded


def is_empty(case) -> bool:
    """Whether there is no row at all."""
    return case.rows == 0


def anything(case) -> Rounded:
    """Whatever a call may answer."""
    found = values(case, lift_rounded(Model(case.format.working)))["value"]
    return Rounded(found.value, found.error, found.model, np.full(found.shape, np.inf))


@deviation(
    "MultiMarginLoss", of="result", name="empty-batch", dtypes=SINGLE + HALF, reductions=("mean", "sum"),
    severity="wrong", share=1.0, applies=is_empty, condition="the batch is empty", upstream=None,
    witness={"input": np.zeros((0, 3)), "target": np.zeros(0, int), "reduction": "mean"},
)  # fmt: skip
def empty_batch(case):
    """The loss of an empty batch is memory that was never set.

    The kernel leaves as soon as it sees that the input has no elements, and the result is that of at::empty: any
    number, another one from run to run.  The sum over nothing is 0, and its mean NaN, as in other losses.
    """
    return anything(case)


@deviation(
    "MultiLabelMarginLoss", of="result", name="empty-batch", dtypes=SINGLE + HALF, reductions=("mean", "sum"),
    severity="wrong", share=1.0, applies=is_empty, condition="the batch is empty", upstream=None,
    witness={"input": np.zeros((0, 3)), "target": np.zeros((0, 3), int), "reduction": "mean"},
)  # fmt: skip
def empty_batch_of_labels(case):
    """The loss of an empty batch is memory that was never set.

    The kernel leaves as soon as it sees that the input has no elements, and the result was only resized: any
    number, another one from run to run.  The sum over nothing is 0, and its mean NaN, as in other losses.
    """
    return anything(case)
