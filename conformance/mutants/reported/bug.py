"""What the suite knows of one publicly reported bug: whose it was, which loss has it here, what should find it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """A bug planted in ``loss``, reported as ``citation`` (owner/repository#number), for ``check`` to find."""

    loss: str
    citation: str
    check: str
