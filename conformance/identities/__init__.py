"""Which laws relate the answers of one loss to each other, or to another loss, whatever the numbers are?"""

from conformance.identities import arguments, classes, paths, relations, rows, weights
from conformance.identities.identity import IDENTITIES, Claim, Identity, names

__all__ = ["IDENTITIES", "Claim", "Identity", "arguments", "classes", "names", "paths", "relations", "rows", "weights"]
