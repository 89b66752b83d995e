"""Correct losses written differently: none may be flagged."""

from conformance.mutants.controls.binary import BCEInFloat64, LogitsBySoftplus, SoftMarginBySoftplus
from conformance.mutants.controls.classes import CrossEntropyByHand, CrossEntropyByLogSumExp, NLLInFloat64
from conformance.mutants.controls.distance import CosineInFloat64, DistanceScaled, TripletScaled
from conformance.mutants.controls.likelihood import GaussianInFloat64, KLInFloat64
from conformance.mutants.controls.references import (
    HingeReference,
    L1Reference,
    PoissonReference,
    RankingReference,
)
from conformance.mutants.controls.regression import (
    HuberByClamp,
    HuberInFloat64,
    L1Reversed,
    MSEByHand,
    SmoothL1Compensated,
)

_OF = {
    "BCELoss": (BCEInFloat64,),
    "BCEWithLogitsLoss": (LogitsBySoftplus,),
    "CosineSimilarity": (CosineInFloat64,),
    "CrossEntropyLoss": (CrossEntropyByHand, CrossEntropyByLogSumExp),
    "GaussianNLLLoss": (GaussianInFloat64,),
    "HingeEmbeddingLoss": (HingeReference,),
    "HuberLoss": (HuberByClamp, HuberInFloat64),
    "KLDivLoss": (KLInFloat64,),
    "L1Loss": (L1Reference, L1Reversed),
    "MSELoss": (MSEByHand,),
    "MarginRankingLoss": (RankingReference,),
    "NLLLoss": (NLLInFloat64,),
    "PairwiseDistance": (DistanceScaled,),
    "PoissonNLLLoss": (PoissonReference,),
    "SmoothL1Loss": (SmoothL1Compensated,),
    "SoftMarginLoss": (SoftMarginBySoftplus,),
    "TripletMarginLoss": (TripletScaled,),
}

#: The loss that each control is.
CONTROLS = {control.__name__: loss for loss, controls in _OF.items() for control in controls}
