"""How a bug changes the gradient of a loss and leaves its value as it is."""

import torch


class _Rewritten(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, rule):
        ctx.rule = rule
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        return ctx.rule(upstream), None


def with_gradient(x, rule):
    """``x``, whose gradient is ``rule`` of the one that arrives."""
    return _Rewritten.apply(x, rule)


class _Leaking(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, leak):
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        return upstream, upstream


def with_leak(x, leak):
    """``x``, whose gradient also goes to ``leak``, of the same shape."""
    return _Leaking.apply(x, leak)


def first_for_all(upstream):
    """The first upstream gradient in place of every one."""
    flat = upstream.reshape(-1)
    return flat[:1].expand_as(flat).reshape(upstream.shape)


def as_if_dense(x):
    """What a kernel reads that takes ``x`` for contiguous; past the end of its memory it starts again."""
    memory = torch.empty(0, dtype=x.dtype, device=x.device).set_(x.untyped_storage())
    place = x.storage_offset() + torch.arange(x.numel(), device=x.device)
    return memory[place % max(len(memory), 1)].reshape(x.shape)


class _Dense(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return as_if_dense(x)

    @staticmethod
    def backward(ctx, upstream):
        return upstream


def read_as_dense(x):
    """``as_if_dense``, with the gradient of ``x`` itself."""
    return _Dense.apply(x)


def second_derivative(x, rule):
    """``x``, whose first derivative is right, and whose second one is ``rule`` of the right one."""
    return with_gradient(x, lambda upstream: with_gradient(upstream, rule))
