"""Which row of one file is which row of the other?  By every field that names them, or by all but some."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from reports.compare.entry import Entry
from reports.compare.source import Source
from reports.document import UnreadableError

ACROSS = ("subject", "device", "mode")
"""Fields that may differ between the two: that is then what is compared."""
CHOICES = ("subject", "loss", "check", "quantity", "dtype", "reduction", "device", "mode", "kind")
"""Fields by which the rows of one file can be chosen."""


@dataclass(frozen=True)
class Pair:
    """The same row in both files; None in one that has it not."""

    old: Entry | None
    new: Entry | None

    @property
    def last(self) -> Entry:
        """The new one, or the old one where there is none."""
        return self.new or self.old


@dataclass(frozen=True)
class Across:
    """A field that does not name a row here: its values in the old file and in the new one."""

    field: str
    old: tuple
    new: tuple


def chosen(source: Source, wanted: Mapping) -> list[Entry]:
    """The entries with one of the wanted values in each field; raises `UnreadableError` where there is none."""
    for field, values in wanted.items():
        there = {str(entry.key[field]) for entry in source.entries if field in entry.key}
        for value in values:
            if value not in there:
                raise UnreadableError(
                    f"{source.path}: no row has {field}={value}; there is {', '.join(sorted(there)) or 'none'}"
                )
    found = [
        entry
        for entry in source.entries
        if all(str(entry.key.get(field)) in values for field, values in wanted.items())
    ]
    if wanted and not found:
        raise UnreadableError(f"{source.path}: no row has all of what was chosen")
    return found


def across(old: list, new: list, ignoring: tuple = ()) -> list[Across]:
    """The fields that are left out of the names: those asked for, and those in which the files share no value.

    Of the latter only where rows stay distinct without them.
    """
    found = []
    for field in ACROSS:
        values = _values(old, field), _values(new, field)
        dropped = [each.field for each in found] + [field]
        parted = all(values) and not set(values[0]) & set(values[1])
        distinct = parted and all(_is_distinct(entries, dropped) for entries in (old, new))
        if field in ignoring or distinct:
            found.append(Across(field, *values))
    return found


def check(entries: list, fields: tuple, source: Source, side: str) -> None:
    """Raises `UnreadableError` where rows differ only in fields that are to be ignored."""
    for field in fields:
        if not _is_distinct(entries, [field]):
            values = ", ".join(map(str, _values(entries, field)))
            raise UnreadableError(
                f"{source.path}: rows differ only in {field} ({values}); choose one with --{side} {field}=VALUE"
            )


def pairs(old: list, new: list, dropped: list) -> list[Pair]:
    """Every row of either file once, in the order of the new file, then those that only the old one has.

    Rows of the same name are told apart by their signs, then by their order.
    """
    waiting = defaultdict(list)
    for entry in old:
        waiting[_name(entry, dropped), entry.sign].append(entry)
    found = []
    for entry in new:
        same = waiting[_name(entry, dropped), entry.sign]
        found.append(Pair(same.pop(0) if same else None, entry))
    return found + [Pair(entry, None) for entries in waiting.values() for entry in entries]


def _values(entries: list, field: str) -> tuple:
    return tuple(dict.fromkeys(entry.key.get(field) for entry in entries))


def _is_distinct(entries: list, dropped: list) -> bool:
    return len({_name(entry, dropped) for entry in entries}) == len({_name(entry, []) for entry in entries})


def _name(entry: Entry, dropped: list) -> tuple:
    return tuple((field, value) for field, value in entry.key.items() if field not in dropped)
