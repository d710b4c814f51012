"""The program `maskwatch`, but a bare face is always there, and no model is waited for: it goes by colour.

What goes wrong is asked for by a file's name in the folder QUICK: `gone`, the camera fails for good; `defect`, it
raises what no camera should; `chatter`, Python itself writes to stderr at each frame; `library`, there before the
start, a library's thread and exit function that hang.
"""

import atexit
import itertools
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "daemon"))

from colour_door import SKIN, ColourFinder, ColourJudge, scene

from maskwatch import cli
from maskwatch.daemon import parts
from maskwatch.errors import SourceError
from maskwatch.flow import Frame

PACE = 0.02  # seconds a frame


def asked(name: str) -> bool:
    return (Path(os.environ.get("QUICK", "/nowhere")) / name).exists()


class Chatter:
    """Its finaliser raises, which Python tells on stderr."""

    def __del__(self) -> None:
        raise ValueError("chatter")


class Door:
    """Somebody bare, without end; frames come in time."""

    ended, trouble = False, None

    def __init__(self) -> None:
        self._frames: Iterator[Frame] = (Frame(scene(SKIN), step * PACE) for step in itertools.count())

    def read(self, wait: float) -> Frame:  # noqa: ARG002
        time.sleep(PACE)
        if asked("gone"):
            raise SourceError("door: gone")
        if asked("chatter"):
            warnings.warn(f"chatter {time.monotonic()}", stacklevel=1)
            print("chatter", file=sys.stderr)
            chatter = Chatter()
            del chatter
        if asked("defect"):
            raise ZeroDivisionError("a defect")
        return next(self._frames)

    def describe(self) -> str:
        return "a door"

    def close(self) -> None:
        pass


class Finder(ColourFinder):
    input_size = 0

    def prepare(self, image: object) -> None:
        pass


if asked("library"):
    threading.Thread(target=threading.Event().wait).start()
    atexit.register(threading.Event().wait)
parts.build_finder = lambda _: Finder()
parts.build_classifier = lambda _: ColourJudge()
parts.open_source = lambda *_: Door()
cli.main()
