"""A bar for long work, on stderr: stdout belongs to the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

Item = TypeVar("Item")


def track(items: Iterable[Item], title: str, total: int | None = None) -> Iterator[Item]:
    """The items, with a bar that counts them. The bar disappears at the end; without a terminal there is none."""
    console = Console(stderr=True)
    return iter(rich_track(items, title, total=total, transient=True, console=console, disable=not console.is_terminal))
