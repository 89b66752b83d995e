"""Proof by exhaustion: does a loss keep its promise on every input of a 16-bit format, and not only on a sample?

Begun, not finished: shards can be proved (:func:`conformance.proof.shard.prove`); there is no command yet.
"""
