"""The program `maskwatch` with a face finder that raises at every frame once the file named in RAISES exists."""

from spoilt_finder import Spoilt, run


class Raising(Spoilt):
    variable = "RAISES"

    def fail(self) -> None:
        raise RuntimeError("no kernel for this picture")


run(Raising)
