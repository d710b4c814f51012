"""The program `maskwatch`. This file imports little, so that Ctrl-C is heeded from the first moment."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def main() -> None:
    """Run the program with the process's arguments."""
    if sys.argv[1:2] == ["run"]:
        from maskwatch import signals

        signals.stand()
    elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's background jobs ignore it
        signal.signal(signal.SIGINT, _leave)
    from maskwatch import command
    from maskwatch.cli.commands import cli

    command.run(cli, "maskwatch")


def _leave(*_: object) -> NoReturn:
    """Nothing is open yet. An exception would end in whatever import it met, as a traceback or as another error."""
    os.write(2, b"maskwatch: stopped\n")
    os._exit(130)
