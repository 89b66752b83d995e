"""Calls that eager torch.nn refuses, and that it accepts once torch.compile has compiled it."""

from functools import partial

import numpy as np

from conformance.deviations.rejections import ROW, ROWS, accepts

IGNORED = "The decomposition that torch.compile takes in place of the kernel does not look at it, and gives a number."
AS_INDEX = "The decomposition that torch.compile takes in place of the kernel indexes with whatever it is given."
EXPANDED = "The decomposition that torch.compile takes in place of the kernel broadcasts it."
GATHERED = (
    "The decomposition that torch.compile takes in place of the kernel gathers as many terms as the smaller one has "
    "places, and does not compare the sizes."
)

accepts = partial(accepts, mode="compile")

accepts("BCELoss", ("input-too-small", "input-too-large", "target-too-small", "target-too-large"), because=IGNORED,
        severity="wrong", upstream="pytorch/pytorch#193757", input=ROW, target=ROW)  # fmt: skip
accepts("SmoothL1Loss", ("beta-too-small",), because=IGNORED, severity="wrong", upstream="pytorch/pytorch#194501",
        input=ROW, target=ROW)  # fmt: skip
PIXELS = {"input": [[[ROW, ROW], [ROW, ROW], [ROW, ROW]]] * 2, "target": [[[0, 1], [1, 0]]] * 2}
for loss in ("CrossEntropyLoss", "NLLLoss"):
    accepts(loss, ("input-longer", "target-single"), because=GATHERED, severity="wrong", **PIXELS)
    accepts(loss, ("weight-single",), because=EXPANDED, severity="wrong", weight=[1.0, 0.5, 2.0], **PIXELS)
    accepts(loss, ("target-as-booleans",), because=AS_INDEX, severity="convention", input=ROWS, target=[0, 1])
accepts("CrossEntropyLoss", ("target-as-floats",), because=AS_INDEX + " No element is looked at in an empty batch.",
        severity="convention", input=np.zeros((0, 1, 1)), target=np.zeros((0, 1), int))  # fmt: skip
accepts("CrossEntropyLoss", ("input-missing-dimension",), because=EXPANDED, severity="wrong",
        input=np.zeros((0, 2, 1, 1, 1)), target=np.zeros((0, 2, 1, 1, 1)))  # fmt: skip
accepts("LinearCrossEntropyLoss", ("target-as-booleans",), because=AS_INDEX, severity="convention",
        input=ROWS, target=[0, 1], linear_weight=ROWS)  # fmt: skip
accepts("MultiLabelMarginLoss", ("target-as-booleans",), because=AS_INDEX, severity="convention",
        input=ROWS, target=[[0, 1, -1], [1, 0, -1]])  # fmt: skip
accepts("NLLLoss", ("weight-as-complex-numbers",), because=IGNORED, severity="wrong",
        input=ROWS, target=[0, 1], weight=[1.0, 0.5, 2.0])  # fmt: skip
accepts("MultiMarginLoss", ("weight-as-complex-numbers",), because=IGNORED, severity="wrong",
        input=ROWS, target=[0, 1], weight=[1.0, 0.5, 2.0])  # fmt: skip
accepts("BCELoss", ("weight-extra-dimension",), because=EXPANDED, severity="wrong", input=ROW, target=ROW, weight=ROW)
accepts("BCEWithLogitsLoss", ("weight-as-complex-numbers", "weight-extra-dimension"), because=EXPANDED,
        severity="wrong", input=ROW, target=ROW, weight=ROW)  # fmt: skip
accepts("BCEWithLogitsLoss", ("pos-weight-as-complex-numbers", "pos-weight-extra-dimension",
                              "target-as-complex-numbers"), because=EXPANDED,
        severity="wrong", input=ROW, target=ROW, pos_weight=ROW)  # fmt: skip
accepts("SoftMarginLoss", ("input-single", "input-extra-dimension", "target-extra-dimension",
                           "target-as-complex-numbers"), because=EXPANDED,
        severity="wrong", input=ROW, target=[1.0, -1.0])  # fmt: skip
accepts("HuberLoss", ("target-as-complex-numbers",), because=EXPANDED, severity="wrong", input=ROW, target=ROW)
accepts("SoftMarginLoss", ("input-missing-dimension",), because=EXPANDED, severity="wrong",
        input=ROWS, target=[[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])  # fmt: skip
