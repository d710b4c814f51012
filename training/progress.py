"""A bar for long work, on stderr: stdout belongs to the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

Item = TypeVar("Item")


def track(items: Iterable[Item], title: str, total: int | None = None) -> Iterator[Item]:
    """The items, counted as they are used up. The bar goes when all is done."""
    console = Console(stderr=True)
    return iter(rich_track(items, title, total=total, transient=True, console=console))
