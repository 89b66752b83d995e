"""Proof by exhaustion: every input of a loss in a 16-bit format, value and gradients, against the oracle."""
