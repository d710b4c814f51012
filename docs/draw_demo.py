"""Draw the demo's terminal for the README: `python docs/draw_demo.py [FILE]`, docs/demo.svg by default.

The demo really runs, for about 20 seconds; the picture shows what it printed.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMAND = (sys.executable, "-c", "from maskwatch.cli import main; main()", "run", "--source", "demo", "--show-pins")
STEADY = {"MASKWATCH__OUTPUTS__BUZZER__PATTERN": "steady"}  # as `make demo`
WIDTH = 92  # characters
COLOURS = {"alert_on": "bold red", "alert_off": "bold green", "buzzer": "yellow", "led": "yellow"}
WEB_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)  # rich loads one from a server; a README must not


def printed() -> list[str]:
    """What the demo prints, line by line."""
    environment = {**os.environ, "GPIOZERO_PIN_FACTORY": "mock", **STEADY}
    done = subprocess.run(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=True
    )
    return done.stdout.splitlines()


def drawn(lines: list[str]) -> str:
    """The terminal as SVG, without fonts from a server."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ make demo", style="bold"))
    for line in lines:
        console.print(Text(line, style=COLOURS.get(line.split(" ")[0], "")))
    return WEB_FONT.sub("", console.export_svg(title="maskwatch", unique_id="demo"))


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "demo.svg"
    out.write_text(drawn(printed()))
    print(out)
