"""Hypothesis profiles, and the fixtures that every self-test shares."""

from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("suite")
