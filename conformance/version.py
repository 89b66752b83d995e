"""The version of the suite: part of every seed, so that a new one may draw other cases."""

VERSION = "0.1.0"
