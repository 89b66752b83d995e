"""Correct losses written differently: none may be flagged."""

from conformance.mutants.controls.binary import BCEInFloat64, LogitsBySoftplus, SoftMarginBySoftplus
from conformance.mutants.controls.classes import CrossEntropyByHand, CrossEntropyByLogSumExp, NLLInFloat64
from conformance.mutants.controls.distance import CosineInFloat64, CosineStepByStep, DistanceScaled, TripletScaled
from conformance.mutants.controls.forms import (
    AdaptiveByAllClasses,
    BCEInChunks,
    CosineByEinsum,
    CrossEntropyInFloat64,
    HingeByMask,
    HuberBySmoothL1,
    L1BySign,
    LinearByEinsum,
    MSEByProducts,
    MultiLabelMarginByScatter,
    MultiLabelSoftByLogits,
    MultiMarginByMask,
    NLLByOneHot,
    RankingByRelu,
    SmoothL1ByHuber,
    SoftMarginInFloat64,
    TripletDistanceByHand,
)
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
from conformance.mutants.controls.wide import (
    CosineEmbeddingInFloat64,
    CTCInFloat64,
    DistanceInFloat64,
    GaussianCompensated,
    KLReversed,
    LogitsInFloat64,
    PoissonInFloat64,
    TripletInFloat64,
)

_OF = {
    "AdaptiveLogSoftmaxWithLoss": (AdaptiveByAllClasses,),
    "BCELoss": (BCEInFloat64, BCEInChunks),
    "BCEWithLogitsLoss": (LogitsBySoftplus, LogitsInFloat64),
    "CTCLoss": (CTCInFloat64,),
    "CosineEmbeddingLoss": (CosineEmbeddingInFloat64,),
    "CosineSimilarity": (CosineInFloat64, CosineByEinsum, CosineStepByStep),
    "CrossEntropyLoss": (CrossEntropyByHand, CrossEntropyByLogSumExp, CrossEntropyInFloat64),
    "GaussianNLLLoss": (GaussianInFloat64, GaussianCompensated),
    "HingeEmbeddingLoss": (HingeReference, HingeByMask),
    "HuberLoss": (HuberByClamp, HuberInFloat64, HuberBySmoothL1),
    "KLDivLoss": (KLInFloat64, KLReversed),
    "L1Loss": (L1Reference, L1Reversed, L1BySign),
    "LinearCrossEntropyLoss": (LinearByEinsum,),
    "MSELoss": (MSEByHand, MSEByProducts),
    "MarginRankingLoss": (RankingReference, RankingByRelu),
    "MultiLabelMarginLoss": (MultiLabelMarginByScatter,),
    "MultiLabelSoftMarginLoss": (MultiLabelSoftByLogits,),
    "MultiMarginLoss": (MultiMarginByMask,),
    "NLLLoss": (NLLInFloat64, NLLByOneHot),
    "PairwiseDistance": (DistanceScaled, DistanceInFloat64),
    "PoissonNLLLoss": (PoissonReference, PoissonInFloat64),
    "SmoothL1Loss": (SmoothL1Compensated, SmoothL1ByHuber),
    "SoftMarginLoss": (SoftMarginBySoftplus, SoftMarginInFloat64),
    "TripletMarginLoss": (TripletScaled, TripletInFloat64),
    "TripletMarginWithDistanceLoss": (TripletDistanceByHand,),
}

#: The loss that each control is.
CONTROLS = {control.__name__: loss for loss, controls in _OF.items() for control in controls}
