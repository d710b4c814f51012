"""A server that accepts every connection and sends nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class QuietServer:
    """Listens while the `with` block runs."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)

    def __enter__(self) -> QuietServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (self._listener, *self._taken):
            each.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                self._taken.append(self._listener.accept()[0])
