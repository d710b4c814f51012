"""The shell on the board's serial port: what a test types, and what is answered."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from pathlib import Path

READY_WITHIN = 1800.0  # seconds; a busy machine boots the board in minutes
OPENS_WITHIN = 30.0  # seconds until QEMU has made its sockets
TAIL = 2000  # characters of the log that a failure shows


def connected(path: Path) -> socket.socket:
    """A connection to a socket that QEMU makes when it has started.

    Raises:
        TimeoutError: nobody listens there.
    """
    latest = time.monotonic() + OPENS_WITHIN
    while True:
        try:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(path))
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > latest:
                raise TimeoutError(f"nobody listens at {path}") from None
            time.sleep(0.1)


class Console:
    """QEMU writes all that the port says into a file, and takes what is typed from a socket."""

    def __init__(self, port: socket.socket, log: Path) -> None:
        self._port, self._log = port, log
        self._count = 0
        # The port says it into the socket too, a byte a time, and waits with the whole board where nobody reads.
        threading.Thread(target=self._drain, daemon=True).start()

    def text(self) -> str:
        """All that the port said so far, the kernel's lines included."""
        return self._log.read_bytes().decode(errors="replace").replace("\r", "") if self._log.exists() else ""

    def wait(self, pattern: str, seconds: float, since: int = 0) -> re.Match[str]:
        """Until the port has said something.

        Args:
            pattern: a regular expression.
            since: how many characters from the beginning are passed over.

        Raises:
            TimeoutError: with the last of what it said instead.
        """
        latest = time.monotonic() + seconds
        while not (found := re.compile(pattern, re.MULTILINE).search(self.text(), since)):
            if time.monotonic() > latest:
                raise TimeoutError(f"no {pattern!r} on the serial port within {seconds:g} s; it said:\n{self.tail()}")
            time.sleep(0.2)
        return found

    def tail(self) -> str:
        """The last lines."""
        return self.text()[-TAIL:]

    def log_in(self, seconds: float = READY_WITHIN) -> None:
        """Wait for the shell, and keep its echo out of the answers."""
        latest, since = time.monotonic() + seconds, len(self.text())
        while True:
            self._type("PS1= PS2=; stty -echo; echo shell-$((6 * 7))")
            try:
                self.wait("^shell-42$", 20.0, since)
                self.run(":", seconds)  # a slow board is asked several times, and answers each
                return
            except TimeoutError:
                if time.monotonic() > latest:
                    raise

    def run(self, command: str, seconds: float = 300.0, check: bool = True) -> str:
        """What a command writes, stderr included.

        Raises:
            TimeoutError: it did not end.
            AssertionError: it failed, and `check` says that it must not.
        """
        self._count += 1
        since = len(self.text())
        self._type(f"{{ {command}\n}} 2>&1; said=$?; echo; echo end-{self._count}-$said")
        found = self.wait(rf"^end-{self._count}-(\d+)$", seconds, since)
        answer = self.text()[since : found.start()].strip("\n")
        assert not check or found[1] == "0", f"`{command}` ended with {found[1]} on the board:\n{answer}"
        return answer

    def _type(self, line: str) -> None:
        self._port.sendall(line.encode() + b"\n")

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            while self._port.recv(65536):
                pass
