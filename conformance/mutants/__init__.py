"""Losses that are wrong on purpose, and correct ones written differently: what the suite is tested by."""
