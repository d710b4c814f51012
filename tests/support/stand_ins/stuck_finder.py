"""The program `maskwatch` with a face finder that never returns once the file named in STUCK exists."""

import resource
import threading

from spoilt_finder import Spoilt, run


class Stuck(Spoilt):
    variable = "STUCK"

    def fail(self) -> None:
        threading.Event().wait()


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # as LimitCORE=0 in the unit file
run(Stuck)
