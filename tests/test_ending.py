"""The documented exit code, whatever a thread inside a library does meanwhile."""

import subprocess
import sys

import pytest
from stand_ins.quiet_server import QuietServer

# FFmpeg comes back from its wait while Python takes itself down: `Late` holds that up for longer than the wait lasts.
PROGRAM = """
import sys, time
import click
from maskwatch import command
from maskwatch.camera import live, open_source
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError

class Late:
    def __del__(self):
        time.sleep(1.5)

late = Late()
live.CLOSE_WITHIN = 0.3

@click.command()
def watch():
    source = open_source(CameraSettings(source=ADDRESS, stall=1.0))
    source.read(0.2)
    source.close()
    print("closed")
    ENDING

command.run(watch, "watch", [])
"""


@pytest.mark.parametrize(
    ("ending", "code", "last"),
    [
        ("pass", 0, ""),
        ("raise SourceError('gone')", 3, "watch: gone"),
        ("sys.exit(4)", 4, ""),
        ("sys.exit('why')", 1, "why"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_thread_that_waits_in_ffmpeg_does_not_change_the_exit_code(ending: str, code: int, last: str) -> None:
    with QuietServer() as server:
        program = PROGRAM.replace("ADDRESS", repr(f"rtsp://127.0.0.1:{server.port}/door")).replace("ENDING", ending)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert done.stdout == "closed\n"
    assert done.stderr.strip().rpartition("\n")[2] == last
