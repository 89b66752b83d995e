"""autocast mode: the call inside ``torch.autocast(device, dtype=torch.bfloat16)``, the backward pass outside of it.

What is promised follows from the op reference of ``torch.amp``, https://docs.pytorch.org/docs/stable/amp.html:

- What autocasts to float32 computes float16, bfloat16 and float32 in float32 and returns that: the value is the
  contract's in float32.  The gradient comes back in the dtype of the argument.  Most losses are in that list.
- What runs in float64 or in complex numbers is not eligible: nothing changes.
- Matrix products run in bfloat16, whatever they are given but float64.  LinearCrossEntropyLoss has one before its loss:
  its operands are those of bfloat16, and every step up to the logits, and back from them, is stored in it.
- What is not listed runs in the dtype that comes in, as in eager mode.
- On CUDA binary cross-entropy of probabilities is documented to refuse.  Norms, powers and sums are listed there, so
  that the dtype of a loss that is not follows from how it is composed: it is not checked.

Of other subjects that list says nothing.  One that returns the dtype of its inputs, as unlisted operations do, where
torch.nn returns float32, differs from torch's convention: a note, and its values are not judged.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import torch

from conformance.case import Case, lift_rounded
from conformance.case import gradients as gradients_of
from conformance.case import values as values_of
from conformance.modes.mode import call_of, expect_dtype, mode
from conformance.refusal import Unpromised
from reference.arithmetic.formats import Format, format_of
from reference.arithmetic.rounded import Model, Rounded

#: The losses whose operation autocasts to float32.  Two are not in the list of their device, and do: smooth_l1_loss on
#: the CPU, huber_loss on CUDA.
IN_FLOAT32 = (
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "HingeEmbeddingLoss",
    "HuberLoss", "KLDivLoss", "L1Loss", "LinearCrossEntropyLoss", "MSELoss", "MarginRankingLoss",
    "MultiLabelMarginLoss", "MultiMarginLoss", "NLLLoss", "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss",
    "TripletMarginLoss",
)  # fmt: skip
#: The losses with a matrix product.
WITH_PRODUCTS = ("AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss")
#: Every step stored in bfloat16, sums in any order: what a product and all after it may cost.
STEPS = Model(format_of("bfloat16"), sequential=True, wide=True)
ELIGIBLE = ("float16", "bfloat16", "float32")


class Widened(Case):
    """A case whose values are computed and returned in float32, its arguments being numbers of a narrower format."""

    @property
    def format(self) -> Format:
        return format_of("float32")


class Multiplied(Case):
    """A case whose matrix product, all that comes after it up to its gradients, is computed in bfloat16 steps.

    Its arguments are numbers of bfloat16; gradients are returned in the case's own dtype.
    """

    @cached_property
    def expected_values(self) -> dict[str, Rounded]:
        return self._stored(values_of(self.lowered, lift_rounded(STEPS)))

    @cached_property
    def expected_gradients(self) -> dict[str, Rounded]:
        return self._stored(gradients_of(self.lowered, lift_rounded(replace(STEPS, kinks=True))))

    @property
    def lowered(self) -> Case:
        """The case in bfloat16."""
        return Case(**{k: getattr(self, k) for k in Case.__dataclass_fields__} | {"dtype": "bfloat16"})


class MultipliedInFloat32(Multiplied):
    """The same of a value, which is returned in float32."""

    @property
    def format(self) -> Format:
        return format_of("float32")


def promised(item, case: Case) -> Case | None:
    """The case as autocast computes it: values often in a wider format, matrix products in a narrower one."""
    loss, own = case.contract.loss, {k: getattr(case, k) for k in Case.__dataclass_fields__}
    if case.dtype not in ELIGIBLE:
        return case
    if loss in WITH_PRODUCTS:
        kind = MultipliedInFloat32 if loss in IN_FLOAT32 and item.check == "value" else Multiplied
        return kind(**own | in_bfloat16(case)) if fits(case) else None
    return Widened(**own) if loss in IN_FLOAT32 and item.check == "value" else case


def fits(case: Case) -> bool:
    """Whether rounding to bfloat16 leaves every number in the case's format."""
    most = format_of(case.dtype).max * (1 - 2 * format_of("bfloat16").unit)
    arrays = (*case.arguments.values(), *case.cotangents.values())
    return all((abs(a) <= most).all() for a in arrays if a is not None and a.dtype == float)


def in_bfloat16(case: Case) -> dict:
    """The float arguments and cotangents of a case, rounded to bfloat16."""

    def lowered(arrays):
        known = format_of("bfloat16")
        return {k: known.round(a) if a is not None and a.dtype == float else a for k, a in arrays.items()}

    return {"arguments": lowered(case.arguments), "cotangents": lowered(case.cotangents)}


def typed(session, field: str, tensor) -> None:
    """float32 where the loss is computed in it; of others' own convention nothing is promised.

    Nor is it of losses that are not listed on a GPU, where norms, powers and sums are.
    """
    listed = session.case.contract.loss in IN_FLOAT32
    own = session.dtype.to_real() if session.dtype.is_complex else session.dtype
    expected = torch.float32 if listed and session.case.dtype in ELIGIBLE else own
    theirs = not session.subject.is_torch and (not listed or tensor.dtype == own)
    if tensor.dtype != expected and (theirs or (not listed and session.device != "cpu")):
        got, other = (str(dtype).removeprefix("torch.") for dtype in (tensor.dtype, expected))
        raise Unpromised(f"{field} has dtype {got} under autocast, and not {other}: nothing says which")
    expect_dtype(field, tensor, expected, by="autocast")


def values(session):
    """Those of every call, once the dtype of the first is as promised."""
    session.forms()
    return session.values_by_call()


def lacks(error: BaseException) -> bool:
    """Whether torch refuses as it documents: binary cross-entropy on CUDA."""
    return "unsafe to autocast" in str(error)


@mode(
    "autocast",
    checks=("value", "gradient", "result_type"),
    alter=promised,
    values=values,
    typed=typed,
    lacks=lacks,
    strict=True,
)
def prepare(session):
    """The subject's own call, autocast to bfloat16."""
    call = call_of(session)

    def run(inputs):
        with torch.autocast(session.device, dtype=torch.bfloat16):
            return call(inputs)

    return run
