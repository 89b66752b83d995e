"""Where torch.nn departs from a contract in shapes that are seldom met."""

import numpy as np

from conformance.case import gradients, lift_rounded, values
from conformance.deviations.deviation import HALF, SINGLE, deviation
from conformance.deviations.softmax import pull_case
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
    severity="wrong", share=1.0, applies=is_empty, condition="the batch is empty", devices=("cpu",),
    undefined=True,
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
    severity="wrong", share=1.0, applies=is_empty, condition="the batch is empty", devices=("cpu",),
    undefined=True,
    witness={"input": np.zeros((0, 3)), "target": np.zeros((0, 3), int), "reduction": "mean"},
)  # fmt: skip
def empty_batch_of_labels(case):
    """The loss of an empty batch is memory that was never set.

    The kernel leaves as soon as it sees that the input has no elements, and the result was only resized: any
    number, another one from run to run.  The sum over nothing is 0, and its mean NaN, as in other losses.
    """
    return anything(case)


def one_by_one(case) -> Model:
    """Numbers whose sums are taken one term after the other."""
    return Model(case.format.working, kinks=True, sequential=True)


def has_many_classes(case) -> bool:
    """Whether there are a thousand classes or more."""
    return case.sizes["c"][0] >= 1000


@deviation(
    "MultiMarginLoss", of="result", dtypes=SINGLE, severity="accuracy", share=0.5, devices=("cpu",),
    condition="there are a thousand classes or more",
    witness={"input": np.zeros((1, 2000)), "target": [0], "margin": 1.1},
)  # fmt: skip
def classes_one_by_one(case):
    """The loss loses digits where there are many classes.

    The kernel adds what every class costs to one number, class after class, in the format of the input: the error
    grows with the number of classes, and not with its logarithm as where torch sums otherwise.
    """
    return values(case, lift_rounded(one_by_one(case)))["value"]


@deviation(
    "MultiMarginLoss", of="gradients", quantities=("grad_input",), dtypes=SINGLE, severity="accuracy", share=0.05,
    devices=("cpu",), condition="there are a thousand classes or more",
    witness={"input": np.zeros((1, 2000)), "target": [0], "cotangent": [1.4]},
)  # fmt: skip
def gradient_of_classes_one_by_one(case, lift):
    """The gradient of the target's score loses digits where there are many classes.

    The kernel adds the gradients of all other classes to one number, class after class, in the format of the input.
    """
    return gradients(case, lift_rounded(one_by_one(case)))


@deviation(
    "CrossEntropyLoss", of="gradients", quantities=("grad_input",), dtypes=SINGLE, severity="accuracy", share=0.3,
    devices=("cpu",), applies=has_many_classes, condition="there are a thousand classes or more",
    witness={"input": np.zeros((1, 9288)), "target": [0], "label_smoothing": 0.1},
)  # fmt: skip
def gradient_of_smoothed_classes_in_order(case, lift):
    """The gradient loses digits where there are many classes.

    The backward of log_softmax adds the slopes of all classes in order, to as many numbers as a vector register
    holds, in the format of the input, and every probability is multiplied by that sum: with label smoothing small
    shares are added to a large one, which keeps less of each the larger it is.
    """
    return pull_case(case, lift_rounded(one_by_one(case)))


FAR, NEAR = [0.3] * 4096, [0.0] * 4096
TRIPLET = {"anchor": [FAR], "positive": [NEAR], "negative": [FAR]}
#: Losses of distances, with what shows that a norm is summed in order.
OF_DISTANCES = {
    "PairwiseDistance": {"x1": FAR, "x2": NEAR, "p": 3.0},
    "TripletMarginLoss": TRIPLET | {"p": 3.0},
    "TripletMarginWithDistanceLoss": TRIPLET,
}

for _loss, _witness in OF_DISTANCES.items():
    _gradients = tuple(f"grad_{x}" for x in ("positive", "anchor", "negative", "x1", "x2") if x in _witness)

    @deviation(
        _loss, of="result", dtypes=("float64", "float32"), severity="accuracy", share=0.3, devices=("cpu",),
        condition="there are a thousand elements or more", witness=_witness,
    )  # fmt: skip
    def elements_one_by_one(case):
        """The distance loses digits where there are many elements.

        torch.linalg.vector_norm adds the powers of the elements in order, to as many numbers as a vector register
        holds, in the format of the input: the error grows with the number of elements, and not with its logarithm
        as that of torch.sum does.
        """
        return values(case, lift_rounded(one_by_one(case)))["value"]

    @deviation(
        _loss, of="gradients", quantities=_gradients, dtypes=("float64", "float32"),
        severity="accuracy", share=0.3, devices=("cpu",), condition="there are a thousand elements or more",
        witness=_witness,
    )  # fmt: skip
    def gradient_of_elements_one_by_one(case, lift):
        """The gradient of a distance loses digits where there are many elements.

        It is divided by a norm whose powers torch.linalg.vector_norm adds in order, in the format of the input.
        """
        return gradients(case, lift_rounded(one_by_one(case)))
