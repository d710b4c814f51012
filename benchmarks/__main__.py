"""python -m benchmarks: measure this machine, refresh the README's tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import device, readme
from maskwatch import command

RESULTS = Path(__file__).parent / "results"


@click.group()
def cli() -> None:
    """Figures with the machine they were measured on."""


@cli.command("device")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default="here")
def measure_device(results: Path) -> None:
    """First verdict, memory, and the stages of a frame; writes RESULTS/BOARD/device.json."""
    record = device.measure()
    if record["host"]["load"] > 0.5:
        click.echo(
            f"benchmarks: load {record['host']['load']}: something else ran, these figures are too high", err=True
        )
    click.echo(f"wrote {device.save(record, results)}")


@cli.command("readme")
def refresh_readme() -> None:
    """Make the README's tables anew from the committed records."""
    text = readme.refreshed(readme.README.read_text())
    temporary = readme.README.with_name(".README.md")
    temporary.write_text(text)
    temporary.replace(readme.README)
    click.echo(f"{len(readme.TABLE.findall(text))} tables")


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m benchmarks`."""
    command.run(cli, "python -m benchmarks", arguments)


if __name__ == "__main__":
    main()
