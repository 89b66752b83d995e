"""Calls that torch.nn documents as invalid and does not refuse."""

from conformance.deviations.deviation import deviation
from conformance.invalid import catalogue
from conformance.invalid.documented import not_refused, sentence_on
from conformance.invalid.invalid import accepted_in_mode
from reference import CONTRACTS

ROW = [0.5, 1.0]
ROWS = [[0.5, 1.0, 0.25], [0.25, 0.5, 1.0]]
BROADCASTS = "The sizes are not compared: the arguments are broadcast, so that terms are counted that nobody asked for."
UNCHECKED = "Values are not looked at, and the formula gives a number that means nothing."
AS_ZERO = "Only values above 1 are refused; one below 0 has the effect of 0."
COUNTED = "With more than two dimensions of input only the number of weights is compared; with fewer it is refused."
OUTSIDE = (
    "The forward pass indexes log_probs with the label, unchecked, and reads memory outside it: the loss is garbage, "
    "another one from run to run, or the process ends by a segmentation fault; the backward pass writes there."
)


def accepts(
    loss: str, names: tuple[str, ...], *, because: str, severity: str, upstream=None, mode: str | None = None, **witness
) -> None:
    """Register that a loss does not refuse invalid calls, by their names in the catalogue.

    ``mode``: the mode in which it accepts what eager torch refuses; None: what its documentation rules out.
    """
    contract = next(c for c in CONTRACTS.values() if c.torch == loss)
    known = {i.name: (question, i) for question, each in catalogue(contract.name).items() for i in each}
    for name in names:
        question, invalid = known[name]
        says = accepted_in_mode(invalid) if mode else not_refused(invalid, sentence_on(loss, name))

        def instead(): ...

        instead.__doc__ = f"Does not refuse {invalid.why}.\n\n{because}"
        deviation(
            loss, of="behaviour", name=f"{mode}-{name}" if mode else name, only="rejection", question=question,
            says=says, dtypes=("float32",), modes=mode and (mode,),
            condition=f"the call has {invalid.why}", severity=severity, share=1.0, upstream=upstream,
            witness={"reduction": "mean" if "mean" in contract.reductions else "none", **witness},
        )(instead)  # fmt: skip


BROADCAST = ("target-single", "target-extra-dimension", "target-missing-dimension")

for loss in ("HingeEmbeddingLoss", "KLDivLoss", "PoissonNLLLoss"):
    accepts(
        loss, BROADCAST, because=BROADCASTS, severity="wrong",
        input=ROW, target=[1.0, -1.0] if loss == "HingeEmbeddingLoss" else ROW,
    )  # fmt: skip
accepts(
    "SoftMarginLoss", ("target-single", "target-missing-dimension"), because=BROADCASTS, severity="wrong",
    input=ROW, target=[1.0, -1.0],
)  # fmt: skip
accepts(
    "GaussianNLLLoss", BROADCAST[1:], because=BROADCASTS, severity="wrong",
    input=[ROW, ROW], target=[ROW, ROW], var=[ROW, ROW],
)  # fmt: skip
accepts(
    "MarginRankingLoss", ("input2-single", "target-single"), because=BROADCASTS, severity="wrong",
    input1=ROW, input2=ROW, target=[1.0, -1.0],
)  # fmt: skip
accepts("MultiLabelSoftMarginLoss", BROADCAST, because=BROADCASTS, severity="wrong", input=ROWS, target=ROWS)
accepts(
    "MultiLabelSoftMarginLoss", ("weight-single", "weight-extra-dimension", "weight-missing-dimension"),
    because=BROADCASTS, severity="wrong", input=ROWS, target=ROWS, weight=[1.0, 0.5, 2.0],
)  # fmt: skip
accepts("CosineEmbeddingLoss", ("input2-single",), because=BROADCASTS, severity="wrong",
        input1=ROWS, input2=ROWS, target=[1.0, -1.0])  # fmt: skip
accepts("PairwiseDistance", ("x2-single", "x2-extra-dimension", "x2-missing-dimension"),
        because=BROADCASTS, severity="wrong", x1=ROWS, x2=ROWS)  # fmt: skip
accepts("CosineSimilarity", ("x2-single", "x2-extra-dimension", "x2-missing-dimension"),
        because=BROADCASTS, severity="wrong", x1=ROWS, x2=ROWS)  # fmt: skip

for loss in ("HingeEmbeddingLoss", "SoftMarginLoss"):
    accepts(loss, ("target-unlisted",), because=UNCHECKED, severity="wrong", input=ROW, target=[1.0, -1.0])
accepts("MarginRankingLoss", ("target-unlisted",), because=UNCHECKED, severity="wrong",
        input1=ROW, input2=ROW, target=[1.0, -1.0])  # fmt: skip
accepts(
    "CosineEmbeddingLoss", ("target-unlisted",), severity="wrong", upstream="pytorch/pytorch#23782",
    because="A pair with any other label than 1 or -1 contributes 0, as if it were perfect.",
    input1=ROWS, input2=ROWS, target=[1.0, -1.0],
)  # fmt: skip
accepts("CosineEmbeddingLoss", ("margin-too-small", "margin-too-large"), because=UNCHECKED, severity="convention",
        input1=ROWS, input2=ROWS, target=[1.0, -1.0])  # fmt: skip
accepts("BCEWithLogitsLoss", ("target-too-small", "target-too-large"), because=UNCHECKED + " BCELoss refuses them.",
        severity="wrong", upstream="pytorch/pytorch#110865", input=ROW, target=ROW)  # fmt: skip
accepts("MultiLabelSoftMarginLoss", ("target-too-small", "target-too-large"), because=UNCHECKED, severity="wrong",
        input=ROWS, target=ROWS)  # fmt: skip
accepts("CrossEntropyLoss", ("label-smoothing-too-small",), because=AS_ZERO, severity="convention",
        upstream="pytorch/pytorch#134767", input=ROWS, target=[0, 1])  # fmt: skip
for loss in ("CrossEntropyLoss", "NLLLoss"):
    accepts(loss, ("weight-extra-dimension",), because=COUNTED, severity="convention",
            input=[ROWS], target=[[0, 1, 1]], weight=ROW)  # fmt: skip

CALL = {
    "log_probs": [[[-0.5, -1.0, -2.0]], [[-1.0, -0.5, -2.0]]],
    "targets": [[1]], "input_lengths": [2], "target_lengths": [1],
}  # fmt: skip
accepts("CTCLoss", ("targets-class-too-large", "targets-class-huge", "targets-class-negative"), because=OUTSIDE,
        severity="wrong", upstream="pytorch/pytorch#193794", **CALL)  # fmt: skip
accepts("CTCLoss", ("targets-blank",), because="The blank is counted as a label of its own.", severity="wrong", **CALL)
