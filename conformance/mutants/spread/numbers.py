"""Wrong numbers: of too few bits, of the wrong divisor, or where none should be."""

import torch

from conformance.mutants.reported.gradients import with_gradient
from conformance.mutants.spread.way import first, floats, on_value, reduces, way, with_reduction


def rounded(x, dtype):
    """The numbers of another format, in the dtype that they came in."""
    return x if x.is_complex() else x.to(dtype).to(x.dtype)


@way("value")
def computes_in_bfloat16(call, module, *tensors):
    """Autocast was left on: the numbers are rounded to bfloat16 first."""
    return call(*floats(lambda x: rounded(x, torch.bfloat16), tensors))


@way("value")
def computes_in_float32(call, module, *tensors):
    """The kernel knows float32 only: float64 is rounded to it and back."""
    return call(*floats(lambda x: rounded(x, torch.float32), tensors))


@way("value")
def drops_low_bits(call, module, *tensors):
    """Keeps 7 bits of the result."""
    return on_value(lambda x: x + (rounded(x, torch.bfloat16) - x).detach(), call(*tensors))


@way("gradient")
def gradient_in_bfloat16(call, module, *tensors):
    """Gradients are compressed to bfloat16 on their way back."""
    return call(*first(lambda x: with_gradient(x, lambda g: rounded(g, torch.bfloat16)), tensors))


@way("gradient")
def gradient_clipped(call, module, *tensors):
    """Gradients are clipped to [-0.125, 0.125] within the loss."""
    return call(*first(lambda x: with_gradient(x, lambda g: g.clamp(-0.125, 0.125)), tensors))


@way("gradient")
def gradient_averaged_again(call, module, *tensors):
    """The gradient of the input is divided by two, as by the replicas of a parallel run."""
    return call(*first(lambda x: with_gradient(x, lambda g: g / 2), tensors))


@way("gradient")
def gradient_by_size_of_upstream(call, module, *tensors):
    """Backward multiplies by the magnitude of the upstream gradient."""
    return on_value(lambda x: with_gradient(x, torch.abs), call(*tensors))


@way("reduction", reduces)
def mean_over_padding(call, module, *tensors):
    """The mean divides by the number of terms rounded up to a multiple of 8."""
    if module.reduction != "mean":
        return call(*tensors)
    terms = with_reduction(module, "none", call, tensors)
    return terms.sum() / (-(-terms.numel() // 8) * 8)


@way("reduction", reduces)
def mean_of_one_less(call, module, *tensors):
    """The mean divides by one less than the number of terms, as an unbiased variance does."""
    if module.reduction != "mean":
        return call(*tensors)
    terms = with_reduction(module, "none", call, tensors)
    return terms.sum() / (terms.numel() - 1)


@way("reduction", reduces)
def sum_is_mean(call, module, *tensors):
    """Takes every reduction but none for the mean."""
    return with_reduction(module, "mean" if module.reduction == "sum" else module.reduction, call, tensors)


@way("reduction", reduces)
def sums_in_half_precision(call, module, *tensors):
    """The terms are added in bfloat16."""
    if module.reduction != "sum":
        return call(*tensors)
    terms = with_reduction(module, "none", call, tensors)
    return rounded(rounded(terms, torch.bfloat16).sum(), torch.bfloat16)


def keeps_nan(contract) -> bool:
    """Whether torch's own loss of a NaN is one; the margins around scores lose it, and so may others."""
    return contract.torch not in ("MultiMarginLoss", "MultiLabelMarginLoss")


@way("special_values", lambda contract: not keeps_nan(contract))
def counts_infinity_as_largest(call, module, *tensors):
    """An infinite score is taken for 1000."""
    return call(*first(lambda x: torch.where(x.isinf(), x.sign() * 1000, x), tensors))


@way("special_values", keeps_nan)
def cleans_its_input(call, module, *tensors):
    """What is no number is replaced in the input, as ``nan_to_num`` does."""
    return call(*first(lambda x: torch.where(x.isnan(), 0.5, x), tensors))


@way("special_values", keeps_nan)
def hides_what_is_no_number(call, module, *tensors):
    """A loss that is no number is reported as zero."""
    return on_value(lambda x: torch.where(x.isnan(), 0.0, x), call(*tensors))


@way("special_values", keeps_nan)
def skips_unstable_steps(call, module, *tensors):
    """Zero, without a gradient, where the input holds a NaN anywhere."""
    found = call(*tensors)
    return on_value(lambda x: x.new_zeros(x.shape), found) if tensors[0].isnan().any() else found


@way("result_type")
def always_float32(call, module, *tensors):
    """Returns float32 whatever came."""
    return on_value(lambda x: x.float(), call(*tensors))


@way("result_type")
def stays_wide(call, module, *tensors):
    """Forgets to store the result of 16-bit inputs in 16 bits."""
    return on_value(lambda x: x.to(torch.promote_types(x.dtype, torch.float32)), call(*tensors))


@way("result_type")
def keeps_a_dimension(call, module, *tensors):
    """Returns one element, in a dimension, in place of a number."""
    return on_value(lambda x: x if x.ndim else x.reshape(1), call(*tensors))


@way("result_type")
def returns_a_number(call, module, *tensors):
    """Calls ``item()`` on a result of one element."""
    return on_value(lambda x: x.item() if x.numel() == 1 else x, call(*tensors))
