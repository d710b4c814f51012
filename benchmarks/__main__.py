"""python -m benchmarks: measure this machine, and write the tables in README and docs again."""

from __future__ import annotations

from collections.abc import Sequence

import click

from benchmarks.commands import behaviour, daemon, networks, report
from maskwatch.cli import command


@click.group()
def cli() -> None:
    """Measure speed and behaviour. Each record describes the machine that it was measured on."""


for command_of_benchmarks in (
    daemon.measure_device,
    networks.measure_models,
    networks.measure_candidates,
    daemon.measure_pipeline,
    daemon.measure_endurance,
    behaviour.measure_doorway,
    behaviour.measure_scenarios,
    behaviour.measure_power,
    networks.measure_all,
    networks.count_instructions,
    networks.show_changes,
    report.make_report,
    report.refresh_readme,
):
    cli.add_command(command_of_benchmarks)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program `python -m benchmarks`."""
    command.run(cli, "python -m benchmarks", arguments, extra="train")


if __name__ == "__main__":
    main()
