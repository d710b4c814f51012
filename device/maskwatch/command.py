"""How a command line ends: an expected failure is one line and its exit code, anything else keeps its traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from maskwatch import ending
from maskwatch.errors import MaskwatchError


@ending.whatever_threads_do()
def run(command: click.Command, name: str, arguments: Sequence[str] | None = None) -> None:
    """Run a click command as the program `name`, with the process's own arguments or those given.

    Exits with 0, a MaskwatchError's own code, or 2 when the words of the call are off.
    """
    try:
        sys.exit(command.main(arguments, prog_name=name, standalone_mode=False))
    except MaskwatchError as error:
        _refuse(name, str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _refuse(name, f"{error.format_message()} See `{name} --help`.", error.exit_code)
    except click.Abort:
        _refuse(name, "stopped", 130)


def _refuse(name: str, message: str, exit_code: int) -> None:
    click.echo(f"{name.rpartition(' ')[2]}: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)
