"""What does a run on a GPU need?  Settled numerics, failures that land where they are caused, a share of its memory."""

from __future__ import annotations

import os

import torch

from conformance.refusal import Poisoned

#: The part of the GPU's memory that all workers together may take, the space of their contexts left out.
MEMORY = 0.8
#: What cuBLAS needs to be deterministic, as torch documents it.
WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def prepare(workers: int) -> None:
    """The settings of a process that runs checks on a GPU: nothing is rounded in secret, a worker has its share.

    TF32 is off, and so are sums of matrix products in 16 bits: operands have the precision of their dtype.
    """
    os.environ.setdefault(*WORKSPACE)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.cuda.set_per_process_memory_fraction(MEMORY / max(workers, 1))


def settle(device: str) -> None:
    """Wait for everything that was launched: what fails later than it was asked for fails here.

    Raises Poisoned where the context is lost, after which every call in this process fails, whoever makes it.
    """
    if device != "cuda":
        return
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        raise Poisoned(error) from error
