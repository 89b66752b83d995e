"""How may a run over shards end without its results?"""

from __future__ import annotations


class ShardError(Exception):
    """No result, or not the right one, came of a shard: the message is one line that names it."""


class Unreachable(ShardError):
    """There is no scheduler where one should be: the message is one line that says where."""


class Interrupted(Exception):
    """Ctrl-C: what is done is kept in the side file, and the same call goes on from there."""
