"""Which shards are done?  A side file of JSON lines, which an interrupted run leaves and the next one reads."""

from __future__ import annotations

import fcntl
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from conformance.campaign.errors import ShardError


def text_of(thing: object) -> str:
    """JSON, written one way only.  Raises ValueError or TypeError for what JSON does not hold, NaN among it."""
    return json.dumps(thing, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(thing: object) -> str:
    """What tells one shard, or one run, from all others: 32 hexadecimal digits."""
    return hashlib.sha256(text_of(thing).encode()).hexdigest()[:32]


class Journal:
    """The results of a run's shards so far, by index; ``begun_anew``: the file was that of another run.

    ``tasks``: one description for each shard; ``identity``: what besides them the results depend on.  Raises
    ShardError where another process writes to the file now, or it holds a result that is not that of its shard.
    """

    def __init__(self, file: Path, identity: dict, tasks: list[dict]):
        self.file, self.digests = file, [digest_of(task) for task in tasks]
        self.of = digest_of({"identity": identity, "tasks": self.digests})
        file.parent.mkdir(parents=True, exist_ok=True)
        self.stream = file.open("a+b")
        self._lock()
        self.results: dict[int, dict] = {}
        try:
            self.begun_anew = not self._read()
        except ShardError:
            self.close()
            raise

    def _lock(self) -> None:
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise ShardError(f"{self.file}: another run writes to it") from None

    def _read(self) -> bool:
        """Take what is there, and cut off a line that was not written to its end; False: it was another run's."""
        self.stream.seek(0)
        text = self.stream.read()
        lines = [line for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
        if not lines or _parsed(lines[0]) != {"run": self.of}:
            self.stream.truncate(0)
            self._write({"run": self.of})
            return not text
        self.stream.truncate(sum(map(len, lines)))
        for line in lines[1:]:
            self._take(_parsed(line))
        return True

    def _take(self, entry: object) -> None:
        try:
            self.check(entry["shard"], entry["digest"])
            self.results[entry["shard"]] = entry["result"]
        except (KeyError, TypeError):
            raise ShardError(f"{self.file}: a line is no result: remove the file") from None

    def check(self, shard: int, digest: str) -> None:
        """Raises ShardError for a digest that is not that of the shard's task."""
        if not 0 <= shard < len(self.digests) or self.digests[shard] != digest:
            raise ShardError(f"shard {shard} of {len(self.digests)}: what came is the result of another shard")

    def add(self, shard: int, digest: str, result: dict) -> None:
        """Keep the result of a shard, on disk before anything else happens."""
        self.check(shard, digest)
        if shard in self.results:
            raise ShardError(f"shard {shard} of {len(self.digests)}: a second result of it came")
        self._write({"shard": shard, "digest": digest, "result": result})
        self.results[shard] = result

    def _write(self, entry: dict) -> None:
        self.stream.write(text_of(entry).encode() + b"\n")
        self.stream.flush()

    def missing(self) -> list[int]:
        """The shards that have no result."""
        return [shard for shard in range(len(self.digests)) if shard not in self.results]

    def every(self) -> list[dict]:
        """The results in the order of the shards.  Raises ShardError where one is missing."""
        if missing := self.missing():
            raise ShardError(f"shard {missing[0]} of {len(self.digests)}: no result came ({len(missing)} are missing)")
        return [self.results[shard] for shard in range(len(self.digests))]

    def close(self) -> None:
        self.stream.close()


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def say(lines: Iterable[str]) -> None:
    print(*lines, sep="\n", file=sys.stderr, flush=True)
