"""The program `maskwatch`. This file imports little, so that Ctrl-C works from the first moment."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def main() -> None:
    """Run the program with the process's arguments."""
    if sys.argv[1:2] == ["run"]:
        from maskwatch.daemon import signals

        signals.stand()
    elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # background jobs of a shell ignore it
        signal.signal(signal.SIGINT, _leave)
    from maskwatch.cli import command
    from maskwatch.cli.commands import cli
    from maskwatch.cli.flashing import flash
    from maskwatch.cli.installing import install, show, uninstall, update, volatile

    for each in (flash, install, show, uninstall, update, volatile):
        cli.add_command(each)
    command.run(cli, "maskwatch")


def _leave(*_: object) -> NoReturn:
    """End at once: nothing is open yet. An exception could be raised inside any import, and cause a traceback or
    another error."""
    os.write(2, b"maskwatch: stopped\n")
    os._exit(130)
