"""``python -m conformance.audit``: see :mod:`conformance.audit.command`."""

import sys

from conformance.audit.command import main

if __name__ == "__main__":
    sys.exit(main())
