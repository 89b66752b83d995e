"""Wrong reading of memory: strides, offsets, and what no block of a kernel covers."""

import torch

from conformance.mutants.impure import in_order
from conformance.mutants.reported.gradients import read_as_dense
from conformance.mutants.spread.way import first, floats, last, way


@way("layout")
def ignores_strides(call, module, *tensors):
    """Reads the memory of its input in order."""
    return call(*first(in_order, tensors))


@way("layout")
def ignores_strides_of_last(call, module, *tensors):
    """Reads the memory of its last array of numbers as if it were dense."""
    return call(*last(read_as_dense, tensors))


@way("layout")
def ignores_offset(call, module, *tensors):
    """Reads its input from the beginning of its storage."""
    return call(*first(lambda x: torch.as_strided(x, x.shape, x.stride(), 0), tensors))


@way("layout")
def cut_off_where_not_contiguous(call, module, *tensors):
    """Copies what is not contiguous outside of the graph."""
    return call(*floats(lambda x: x if x.is_contiguous() else x.detach().contiguous(), tensors))


@way("layout")
def views_its_input(call, module, *tensors):
    """Flattens its input with ``view``, which not every layout allows."""
    return call(*first(lambda x: x.view(-1).view(x.shape), tensors))


def unread_from(block: int, x):
    """A half in place of what lies beyond the last full block."""
    full = x.numel() // block * block
    if not 0 < full < x.numel():
        return x
    place = torch.arange(x.numel(), device=x.device).reshape(x.shape)
    return torch.where(place < full, x, 0.5)


@way("shape")
def drops_the_tail(call, module, *tensors):
    """Does not read what is beyond the last full block of 64 elements."""
    return call(*first(lambda x: unread_from(64, x), tensors))


@way("shape")
def drops_the_tail_of_vectors(call, module, *tensors):
    """Does not read what is beyond the last full vector of 8 elements."""
    return call(*first(lambda x: unread_from(8, x), tensors))


@way("shape")
def wants_several(call, module, *tensors):
    """Raises for a first dimension of one, as a batch normalisation does."""
    if tensors[0].shape[:1] == (1,):
        raise ValueError("expected more than 1 value")
    return call(*tensors)


@way("shape")
def reads_one_block(call, module, *tensors):
    """Covers 64 elements along the last dimension, and no more."""

    def covered(x):
        if not x.ndim or x.shape[-1] <= 64:
            return x
        return torch.where(torch.arange(x.shape[-1], device=x.device) < 64, x, 0.5)

    return call(*first(covered, tensors))
