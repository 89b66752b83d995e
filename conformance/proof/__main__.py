"""``python -m conformance.proof``: see :mod:`conformance.proof.command`."""

import sys

from conformance.proof.command import main

if __name__ == "__main__":
    sys.exit(main())
