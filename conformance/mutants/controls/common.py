"""What the controls share: a wider format, sums in other orders, and what torch refuses."""

import torch

KNOWN = ("none", "mean", "sum")


def wide(x):
    """In float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def widest(x):
    """In float64."""
    return x.to(torch.promote_types(x.dtype, torch.float64))


def reduced(terms, reduction, like, total=torch.sum):
    """The terms reduced by ``total``, in the dtype of ``like``.  Raises ValueError for what is no reduction."""
    if reduction not in KNOWN:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if reduction != "none":
        count = terms.numel()
        terms = total(terms)
        terms = terms / count if reduction == "mean" else terms
    return terms.to(like.dtype.to_real())


def real(*tensors):
    """Raises RuntimeError where one is complex."""
    if any(t is not None and t.is_complex() for t in tensors):
        raise RuntimeError("complex numbers are not supported")


def fits(like, *tensors):
    """Raises RuntimeError unless all that there are are real and broadcast to the shape of ``like``."""
    real(like, *tensors)
    for t in tensors:
        if t is not None and torch.broadcast_shapes(t.shape, like.shape) != like.shape:
            raise RuntimeError(f"{tuple(t.shape)} does not broadcast to {tuple(like.shape)}")


def same_shape(*tensors):
    """Raises ValueError unless all have one shape."""
    if len({tuple(t.shape) for t in tensors}) > 1:
        raise ValueError(f"shapes differ: {', '.join(str(tuple(t.shape)) for t in tensors)}")


def total_pairwise(terms):
    """The sum of neighbours, of their sums, and so on."""
    terms = terms.reshape(-1)
    while terms.numel() > 1:
        if terms.numel() % 2:
            terms = torch.nn.functional.pad(terms, (0, 1))
        terms = terms[0::2] + terms[1::2]
    return terms.sum()


def total_reversed(terms):
    """The sum from the last term to the first."""
    return terms.reshape(-1).flip(0).sum()


class _Compensated(torch.autograd.Function):
    LANES = 64

    @staticmethod
    def forward(ctx, terms):
        ctx.shape = terms.shape
        flat = terms.reshape(-1)
        lanes = _Compensated.LANES
        padded = torch.nn.functional.pad(flat, (0, -flat.numel() % lanes)).reshape(-1, lanes)
        total = carry = torch.zeros_like(padded[0]) if len(padded) else flat.new_zeros(lanes)
        for row in padded:
            step = row - carry
            grown = total + step
            carry = (grown - total) - step
            total = grown
        found = total.sum() - carry.sum()
        return torch.where(found.isfinite(), found, flat.sum())

    @staticmethod
    def backward(ctx, upstream):
        return upstream.expand(ctx.shape)


def total_compensated(terms):
    """Kahan's sum in 64 lanes, in the format of the terms."""
    return _Compensated.apply(terms)
