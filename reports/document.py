"""What does a JSON file hold?  Reads it and checks the types of what is expected; every complaint is one line."""

import json
from collections.abc import Mapping
from pathlib import Path


class UnreadableError(Exception):
    """A file is missing, not readable, not JSON, or not what it should be; the text is one line."""


def text(path: Path) -> str:
    """The text of a file; raises `UnreadableError`."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnreadableError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{path}: not UTF-8 text") from None
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from None


def parsed(words: str, where: str) -> object:
    """What JSON text says; raises `UnreadableError`."""
    try:
        return json.loads(words)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{where}: not JSON ({error})") from None


def typed(value: object, kinds: Mapping, where: str) -> dict:
    """The keys of `kinds` in `value`, absent ones as None; raises where a type is not the expected one."""
    if not isinstance(value, dict):
        raise UnreadableError(f"{where}: not an object")
    for key, kind in kinds.items():
        if not isinstance(value.get(key), kind):
            raise UnreadableError(f"{where}.{key}: missing or of the wrong type")
    return {key: value.get(key) for key in kinds}


def write(content: str, path: Path, mode: str = "w") -> None:
    """Writes (or with mode "a" appends) text, making its folder; raises `UnreadableError` where that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode, encoding="utf-8", errors="replace", newline="") as file:
            file.write(content)
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from None
