"""Losses that ask for a margin between scores, or of one score, by a sign."""

import numpy as np

from reference.arithmetic.plain import plain
from reference.contract import contract
from reference.domains import REAL, SIGN

STEPS = ("C", "eager torch rounds the margin, and every step of this composite, to 16 bits")


@contract(
    torch="HingeEmbeddingLoss",
    convention="the slope inside the margin also at the margin",
    promises={("*", "float16"): STEPS, ("*", "bfloat16"): STEPS},
    input=REAL["*n"],
    target=SIGN["*n"],
    margin=REAL,
)
def hinge_embedding_loss(input, target, *, margin=1.0):
    """The distance ``input`` of a similar pair (1), its lack of ``margin`` for a dissimilar one (-1).

    Source: R. Hadsell, S. Chopra, Y. LeCun, Dimensionality reduction by learning an invariant mapping,
    2006 (there squared); torch.nn.HingeEmbeddingLoss.
    """
    return np.where(plain(target) > 0, input, np.maximum(margin - input, 0.0))


@hinge_embedding_loss.vjp
def _(cotangent, input, target, *, margin):
    inside = np.where(input <= margin, -1.0, 0.0)
    return {"input": cotangent * np.where(plain(target) > 0, 1.0, inside)}


def shortfall(input1, input2, target, margin):
    """By how much the input that should be larger fails to exceed the other one by ``margin``."""
    lead = input1 - input2
    return margin - np.where(plain(target) > 0, lead, -lead)


@contract(
    torch="MarginRankingLoss",
    convention="the slope inside the margin also at the margin",
    promises={("*", "float16"): STEPS, ("*", "bfloat16"): STEPS},
    input1=REAL["*n"],
    input2=REAL["*n"],
    target=SIGN["*n"],
    margin=REAL,
)
def margin_ranking_loss(input1, input2, target, *, margin=0.0):
    """By how much the first input (1) or the second one (-1) fails to exceed the other by ``margin``.

    Source: R. Herbrich, T. Graepel, K. Obermayer, Large margin rank boundaries for ordinal regression, 2000;
    torch.nn.MarginRankingLoss.
    """
    return np.maximum(shortfall(input1, input2, target, margin), 0.0)


@margin_ranking_loss.vjp
def _(cotangent, input1, input2, target, *, margin):
    active = np.where(shortfall(input1, input2, target, margin) >= 0, cotangent, 0.0)
    slope = np.where(plain(target) > 0, -active, active)
    return {"input1": slope, "input2": -slope}
