"""Calls the program many times but imports it once: each call is a fork of this process.

Reads a JSON list of {"arguments": [...], "environment": {...}} from stdin; prints `== exit code N` after each call.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

for name in (
    "cv2",
    "maskwatch.cli",
    "maskwatch.cli.check",
    "maskwatch.config.effective",
    "maskwatch.daemon.unit",
    "maskwatch.cli.still_pictures",
):
    importlib.import_module(name)


def call(arguments: list[str], environment: dict[str, str]) -> int:
    from maskwatch.cli import main

    if (child := os.fork()) == 0:
        os.environ.update(environment)
        sys.argv = ["maskwatch", *arguments]
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            code = 1
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # the interpreter's own end takes ten times as long as the call
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for each in json.load(sys.stdin):
        sys.stdout.flush()
        print("== exit code", call(each["arguments"], each["environment"]), flush=True)
