"""What is done to a unit itself: `maskwatch show`, `install`, `update`, `uninstall`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from maskwatch.cli.commands import CONFIG, Number


@click.command()
@click.argument("state", type=click.Choice(["ready", "trouble"]))
@click.option("--lasts", type=Number(0, 3600), default=10.0, show_default=True, help="Seconds of trouble.")
@CONFIG
def show(state: str, lasts: float, config_path: Path | None) -> None:
    """Two beeps for ready, a slow blink for trouble: how first boot tells. Stop the daemon first."""
    from maskwatch import config
    from maskwatch.outputs import readiness

    outputs = config.load(config_path).outputs
    if state == "ready":
        click.echo(readiness.ready(outputs, time.sleep))
    else:
        click.echo(readiness.trouble(outputs, lasts, time.sleep))
