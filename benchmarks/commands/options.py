"""Shared by the commands of `python -m benchmarks`: kinds of arguments, and writing a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchmarks import records
from benchmarks.report import terminal_tables
from maskwatch.errors import ConfigError

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
RESULTS = Path(__file__).parents[1] / "results"
BUSY = 0.5  # mean number of busy processes in the minute before, from which figures are too high

results_option = click.option("--results", type=NEW_FOLDER, default=RESULTS, show_default="here")


def say(text: str) -> None:
    """Print a line on stderr, because stdout is for the result."""
    click.echo(text, err=True)


def named(text: str) -> tuple[str, Path]:
    """`study=runs/reference.tflite` -> name, file.

    Raises:
        ConfigError: the text is not of that form.
    """
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise ConfigError(f"model {text}: expected NAME=FILE.tflite")
    return name, Path(file)


def save(record: dict[str, Any], results: Path) -> None:
    """Write a board's record and print its figures."""
    if record["host"]["load"] > BUSY:
        say(f"benchmarks: load {record['host']['load']}: something else ran, these figures are too high")
    saved = records.save(record, results)  # first, so that half an hour's work is not lost if a table cannot be printed
    for line in terminal_tables.lines(record):
        click.echo(line)
    click.echo(f"wrote {saved}")
