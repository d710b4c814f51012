"""Commands that change a unit itself: `maskwatch show`, `install`, `update`, `uninstall`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from maskwatch.cli.commands import CONFIG, Number


@click.command()
@click.argument("state", type=click.Choice(["ready", "trouble"]))
@click.option("--lasts", type=Number(0, 3600), default=10.0, show_default=True, help="Seconds of blinking.")
@CONFIG
def show(state: str, lasts: float, config_path: Path | None) -> None:
    """Signal as first boot does: two beeps for ready, slow blinking for trouble. Stop the daemon first."""
    from maskwatch import config
    from maskwatch.outputs import readiness

    outputs = config.load(config_path).outputs
    if state == "ready":
        click.echo(readiness.ready(outputs, time.sleep))
    else:
        click.echo(readiness.trouble(outputs, lasts, time.sleep))


@click.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="Config to install.  [default: the existing one, or the package's]",
)
def install(config_path: Path | None) -> None:
    """Make this Pi a unit: install config, unit files, groups and service, and start it. An existing config is kept."""
    from maskwatch.install import install as installing
    from maskwatch.install.machine import Machine

    if config_path is not None:
        from maskwatch import config

        config.load(config_path)
    installing.install(Machine.from_environment(), config_path, click.echo)


@click.command()
@click.argument("what")
def update(what: str) -> None:
    """Try another version: a wheel, a bundle (maskwatch flash --bundle), or e.g. maskwatch==0.2.0 by pip.

    The previous version is kept; if the new one does not run, the unit goes back to it.
    """
    from maskwatch.install import update as updating
    from maskwatch.install.machine import Machine

    updating.update(Machine.from_environment(), what, click.echo)


@click.command()
@click.option("--keep-config", is_flag=True, help="Leave /etc/maskwatch.")
def uninstall(keep_config: bool) -> None:
    """Stop the service and remove everything that install, update and first boot put on the disk."""
    from maskwatch.install import uninstall as uninstalling
    from maskwatch.install.machine import Machine

    uninstalling.uninstall(Machine.from_environment(), keep_config, click.echo)


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
def volatile(state: str) -> None:
    """Make the card read-only and keep changes in memory (on), or not (off), from the next start on."""
    from maskwatch.install import volatile as memory
    from maskwatch.install.install import require_root
    from maskwatch.install.machine import Machine

    machine = Machine.from_environment()
    require_root(machine)
    if state == "on":
        memory.switch_on(machine)
    else:
        memory.switch_off(machine)
    click.echo(f"{state} from the next start on: sudo reboot")
