"""The program `maskwatch` with a camera that always shows a bare face and models that judge by colour, which is quick.

A test asks for a fault by creating a file in the folder that the variable QUICK names: `gone`: the camera fails and
does not come back; `defect`: the camera raises an exception that no camera should raise; `chatter`: Python itself
writes to stderr at each frame; `library`, created before the start: a library has a thread and an exit function that
hang.
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
    """An object whose finaliser raises: Python writes that exception to stderr."""

    def __del__(self) -> None:
        raise ValueError("chatter")


class Door:
    """A source that shows a bare face in each frame, without end, every PACE seconds."""

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
