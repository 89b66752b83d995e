"""What do the self-tests of the history read?  Two years of nightly runs with steps planted in them."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np

from reports.history.store import SCHEMA

NAMES = (
    "HuberLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "CrossEntropyLoss", "NLLLoss", "KLDivLoss", "CTCLoss", "BCELoss",
    "BCEWithLogitsLoss", "PoissonNLLLoss", "GaussianNLLLoss", "MultiMarginLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "SoftMarginLoss", "HingeEmbeddingLoss", "MarginRankingLoss", "CosineEmbeddingLoss",
    "TripletMarginLoss", "TripletMarginWithDistanceLoss", "AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss",
)  # fmt: skip
START = datetime(2024, 1, 1, 2, 0, tzinfo=UTC)


def cells(most=300):
    """Names of cells as the benchmarks have them."""
    made = [
        f"{loss}-{how}-{direction}-{size}-float32-cpu"
        for loss in NAMES
        for how in ("compile", "jax", "oracle")
        for direction in ("forward", "forward+backward")
        for size in ("S", "M", "L")
    ]
    return made[:most]


def ratios(nights=730, number=300, seed=0, noise=0.03, memory=0.0, steps=()):
    """Ratios of `number` cells in `nights`.  `noise`: deviation of one night's logarithm, `memory`: how much of it the
    next night keeps; one night in 50 is off by 10 times as much.  `steps`: (night, cell, factor)."""
    random = np.random.default_rng(seed)
    waves = random.normal(0, noise, (nights, number))
    for night in range(1, nights):
        waves[night] = memory * waves[night - 1] + np.sqrt(1 - memory**2) * waves[night]
    waves += (random.random(waves.shape) < 0.02) * random.normal(0, 10 * noise, waves.shape)
    logs = waves + random.normal(0, 0.7, number)
    for night, cell, factor in steps:
        logs[night:, cell] += np.log(factor)
    return np.exp(logs)


def run(night, numbers, fingerprint="a1b2c3d4e5f6", **changes):
    """A line of the history as an object; `numbers`: those of each cell."""
    machine = {"cpu": "A CPU", "capability": "AVX2", "cores": 2, "memory": 8, "torch": "9.9.9", "python": "9.9.9"}
    return {
        "schema": SCHEMA,
        "fingerprint": fingerprint,
        "machine": machine,
        "suite_version": "0.1.0",
        "commit": f"{night:07x}",
        "date": (START + timedelta(days=night)).isoformat(),
        "cells": numbers,
    } | changes


def two_years(steps=(), counts=(), moved=400, nights=730, number=300, **how):
    """The lines of a history whose machine changes in night `moved`.

    `counts`: (night, cell, factor) of steps in the bytes.
    """
    table, names = ratios(nights, number, steps=steps, **how), cells(number)
    bytes_of = np.tile(4096.0 * (1 + np.arange(number)), (nights, 1))
    for night, cell, factor in counts:
        bytes_of[night:, cell] *= factor
    table[moved:] *= 1.3
    for night in range(nights):
        own = {
            name: {"ratio": round(ratio, 6), "bytes": int(size), "operators": 3, "peak_bytes": 8192, "saved_bytes": 512}
            for name, ratio, size in zip(names, table[night].tolist(), bytes_of[night].tolist(), strict=True)
        }
        yield run(night, own, "a1b2c3d4e5f6" if night < moved else "f6e5d4c3b2a1")


def save(lines, path):
    """Writes a history; returns its path."""
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return path
