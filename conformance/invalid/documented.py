"""Which invalid calls the documentation of torch.nn rules out, and in which words.

A sentence counts only while the docstring of the installed class contains it: it is looked for on every run.
Torch says openly that it does not check class probabilities, which is why nothing is here about them.
"""

from __future__ import annotations

import re

from conformance.invalid.invalid import Invalid

SHAPE = "-(longer|shorter|single|extra-dimension|missing-dimension)"
SAME_SHAPE = (f"target{SHAPE}", "Target: :math:`(*)`, same shape as the input")
SIGNS = ("target-unlisted", "(containing 1 or -1)")
WEIGHT = (f"weight{SHAPE}", "to be a Tensor of size `C`")
CLASS_INDEX = ("target-class-.*", "each value should be between :math:`[0, C)`")
CLASS_INDEX_TO_LAST = ("target-class-.*", r"where each value is :math:`0 \leq \text{targets}[i] \leq C-1`")
LONG = ("target-as-.*", "target data type is required to be long when using class indices")
FLOAT = ("target-probabilities-as-(integers|booleans)", "required to be float when using class probabilities")
SMOOTHING = ("label-smoothing-too-.*", "A float in [0.0, 1.0]")
LENGTHS = "-(exceeding|huge)"

#: For each loss: names of invalid calls, as a regular expression, and the words that rule them out.
SENTENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "AdaptiveLogSoftmaxWithLoss": (
        ("target-class-(huge|negative)", r":math:`0 <= \texttt{target[i]} <= \texttt{n\_classes}`"),
    ),
    "BCELoss": (SAME_SHAPE, ("target-too-.*", "the targets :math:`y` should be numbers between 0 and 1")),
    "BCEWithLogitsLoss": (SAME_SHAPE, ("target-too-.*", "the targets `t[i]` should be numbers between 0 and 1")),
    "CTCLoss": (
        ("targets-class-.*", "Each element in the target sequence is a class index"),
        ("targets-blank", "the target index cannot be blank"),
        (f"input-lengths{LENGTHS}", r"must each be :math:`\leq T`"),
        (f"target-lengths{LENGTHS}", r"Lengths must each be :math:`\leq S`"),
    ),
    "CosineEmbeddingLoss": (
        (f"input2{SHAPE}", "same shape as Input1"),
        ("target-unlisted", "with values 1 or -1"),
        ("margin-too-.*", "Should be a number from :math:`-1` to :math:`1`"),
    ),
    "CosineSimilarity": (
        ("x2-(extra|missing)-dimension", "same number of dimensions as x1"),
        ("x2-single", "matching x1 size at dimension `dim`"),
    ),
    "CrossEntropyLoss": (CLASS_INDEX, LONG, FLOAT, SMOOTHING, WEIGHT),
    "GaussianNLLLoss": (
        ("target-(longer|shorter|extra-dimension|missing-dimension)",
         "same shape as the input, or same shape as the input but with one dimension equal to 1"),
        ("var-too-small", "positive variances ``var``"),
        ("var-(longer|shorter)", "it must either have a final dimension of 1 or have one fewer dimension"),
    ),
    "HingeEmbeddingLoss": (SAME_SHAPE, SIGNS),
    "HuberLoss": (SAME_SHAPE, ("delta-(at-the-end|too-small)", "The value must be positive")),
    "KLDivLoss": (SAME_SHAPE,),
    "L1Loss": (SAME_SHAPE,),
    "LinearCrossEntropyLoss": (CLASS_INDEX, LONG, FLOAT, SMOOTHING, WEIGHT),
    "MSELoss": (SAME_SHAPE,),
    "MarginRankingLoss": (
        SIGNS,
        (f"input2{SHAPE}", "same shape as the Input1"),
        (f"target{SHAPE}", "same shape as the inputs"),
    ),
    "MultiLabelMarginLoss": (
        ("target-class-.*", r":math:`0 \leq y[j] \leq \text{x.size}(0)-1`"),
        (f"target{SHAPE}", "must have the same size"),
    ),
    "MultiLabelSoftMarginLoss": (
        WEIGHT,
        ("target-too-.*", r":math:`y[i] \in \left\{0, \; 1\right\}`"),
        (f"target{SHAPE}", "label targets must have the same shape as the input"),
    ),
    "MultiMarginLoss": (CLASS_INDEX_TO_LAST, WEIGHT, ("p-unlisted", "are the only supported values")),
    "NLLLoss": (CLASS_INDEX_TO_LAST, WEIGHT),
    "PairwiseDistance": ((f"x2{SHAPE}", "same shape as the Input1"),),
    "PoissonNLLLoss": (SAME_SHAPE,),
    "SmoothL1Loss": (SAME_SHAPE, ("beta-too-small", "The value must be non-negative")),
    "SoftMarginLoss": (SAME_SHAPE, SIGNS),
    "TripletMarginLoss": (("margin-(at-the-end|too-small)", "a margin with a value greater than :math:`0`"),),
    "TripletMarginWithDistanceLoss": (("margin-too-small", "A nonnegative margin"),),
}  # fmt: skip


def sentence_on(loss: str, name: str) -> str | None:
    """The words about an invalid call of a loss, if there are any."""
    found = (words for names, words in SENTENCES.get(loss, ()) if re.fullmatch(names, name))
    return next(found, None)


def not_refused(invalid: Invalid, words: str) -> str:
    """What a row says of a call that torch documents as invalid and does not refuse."""
    return f"does not refuse {invalid.why}; its documentation says: {words}"
