"""What do all commands of the reports share?  How they read a command line, and how they put a page beside others."""

import argparse
from pathlib import Path

from reports import document, pages
from reports.document import UnreadableError


class Parser(argparse.ArgumentParser):
    """A parser without abbreviations whose complaints are `UnreadableError`, one line."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, allow_abbrev=False, **options)

    def error(self, message: str) -> None:
        raise UnreadableError(message)


def publish(content: str, page: Path) -> None:
    """Writes a page, links those beside it, and says where it is; raises `UnreadableError`."""
    document.write(content, page)
    pages.refresh(page.parent)
    print(f"report: {page}")
