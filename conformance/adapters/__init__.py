"""Adapters for losses that are not shaped like those of torch.nn: each takes one and returns a subject."""

from conformance.adapters.arrays import jax_loss, numpy_loss
from conformance.adapters.calls import as_maps, one_hot, one_reduction, picking, reducing, renamed, reordered
from conformance.adapters.functions import functional, fused_linear
from conformance.adapters.scales import logits, probabilities

__all__ = [
    "as_maps", "functional", "fused_linear", "jax_loss", "logits", "numpy_loss", "one_hot", "one_reduction", "picking",
    "probabilities", "reducing", "renamed", "reordered",
]  # fmt: skip
