"""A connection to a camera's host. Every wait has a limit, and the password is sent to no other host."""

from __future__ import annotations

import contextlib
import http.client
import io
import select
import socket
import ssl
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

from maskwatch.camera.library_errors import in_a_line
from maskwatch.camera.web import authorisation
from maskwatch.errors import SourceError
from maskwatch.text.address import Address
from maskwatch.text.redaction import shown

MOST_REDIRECTS = 3
DRAINED = 65_536  # bytes of an unwanted answer that are read, so that the connection can be used again
HEADERS = {"Accept": "multipart/x-mixed-replace, image/jpeg, */*;q=0.1", "Accept-Encoding": "identity"}
HUNG_UP = (  # the camera closed the connection; RemoteDisconnected is a ConnectionResetError
    BrokenPipeError,
    ConnectionResetError,
    ConnectionAbortedError,
    ssl.SSLEOFError,
)
REDIRECTS = (301, 302, 303, 307, 308)


class Connection:
    """Requests one address again and again. It connects again if the camera closed the connection meanwhile."""

    def __init__(self, address: Address, stall: float, verify: bool) -> None:
        """
        Args:
            address: of a camera, http or https.
            stall: seconds that connecting may take, and each whole answer.
            verify: whether the host must have a trusted certificate; https only.
        """
        assert address.authority is not None
        self._address, self._name, self._stall = address, address.shown, stall
        self.allowed = stall  # seconds; see allow
        self._until = 0.0  # seconds, monotonic; when the allowed time ends
        self._target = _target(address.without_user)
        self._proof: authorisation.Basic | authorisation.Digest | None = None
        host, port = address.authority.host.strip("[]").replace("%25", "%"), address.authority.port
        if address.scheme == "https":
            self._http: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=stall, context=tls(verify)
            )
        else:
            self._http = http.client.HTTPConnection(host, port, timeout=stall)
        self._http.response_class = self._response  # type: ignore[assignment]
        self._socket: socket.socket | None = None

    def ask(self) -> http.client.HTTPResponse:
        """Send a request; return the answer with status 200, its body not yet read.

        Raises:
            SourceError: there is no such answer.
            OSError: the connection failed.
            http.client.HTTPException: the answer is not valid.
        """
        redirects, proved = 0, False
        while True:
            answer = self._asked()
            if answer.status in REDIRECTS and redirects < MOST_REDIRECTS:
                redirects += 1
                self._target = self._moved(answer)
            elif answer.status == 401 and not proved:
                proved = True  # only once: a challenge may be too old, but a wrong password stays wrong
                self._prove(answer)
            elif answer.status == 200:
                return answer
            else:
                raise SourceError(f"{self._name}: {self._refusal(answer)}")
            self.read_to_its_end(answer)

    def allow(self, seconds: float) -> None:
        """Set how many seconds reading may take from now on."""
        self.allowed = seconds
        self._until = time.monotonic() + seconds

    def read_to_its_end(self, answer: http.client.HTTPResponse) -> None:
        """Read the rest of an answer, so that the connection can be used again; close it if the rest is too long."""
        most = DRAINED
        while most > 0 and (data := answer.read1(most)):
            most -= len(data)
        if not (answer.isclosed() or answer.length == 0):
            self._http.close()
        answer.close()

    def has_more(self) -> bool:
        """Whether bytes can be read without waiting."""
        if self._socket is None or self._socket.fileno() < 0:
            return False
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        self._http.close()

    def _asked(self) -> http.client.HTTPResponse:
        """Send one request, and once more on a new connection if the camera had closed the old one."""
        fresh = self._http.sock is None
        try:
            return self._once()
        except HUNG_UP:
            self._http.close()
            if fresh:
                raise
            return self._once()

    def _once(self) -> http.client.HTTPResponse:
        self.allow(self._stall)
        headers = dict(HEADERS)
        if self._proof is not None:
            headers["Authorization"] = self._proof.header("GET", self._target)
        if self._http.sock is None:
            self._http.connect()
        self._socket = self._http.sock
        self._http.request("GET", self._target, headers=headers)
        return self._http.getresponse()

    def _response(self, connection: socket.socket, *arguments: Any, **named: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(_InTime(connection, self), *arguments, **named)  # type: ignore[arg-type]

    def left(self) -> float:
        """Seconds until the allowed time ends.

        Raises:
            TimeoutError: it has ended.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no complete answer in time")
        return left

    def _prove(self, answer: http.client.HTTPResponse) -> None:
        user, password = self._address.user, self._address.password
        if user is None:
            raise SourceError(
                f"{self._name}: asks for user and password; expected them in source (see docs/secrets.md)"
            )
        asked = answer.headers.get_all("WWW-Authenticate") or []
        self._proof = authorisation.answer_to(asked, user, password or "")
        if self._proof is None:
            raise SourceError(f"{self._name}: asks for a kind of login other than Basic and Digest; change it there")

    def _refusal(self, answer: http.client.HTTPResponse) -> str:
        if answer.status == 401:
            return "refuses user or password (401)"
        if answer.status == 404:
            return "has nothing at this path (404); expected the path of its stream or snapshot"
        return f"answers with {answer.status} {' '.join((answer.reason or '').split())[:60]}".rstrip()

    def _moved(self, answer: http.client.HTTPResponse) -> str:
        """The path of a redirect. A redirect to another host is refused, so that no other host gets the password.

        Raises:
            SourceError: it leads to another host.
        """
        here = self._address.without_user
        there = answer.getheader("Location", "")
        with contextlib.suppress(ValueError):
            there = urljoin(urljoin(here, self._target), there)
            if _origin(there) == _origin(here):
                return _target(there)
        raise SourceError(f"{self._name}: redirects to {shown(there)}; if that is the camera, name it in source")


class _InTime:
    """A socket for http.client.HTTPResponse whose reads end in time, also if bytes arrive very slowly."""

    def __init__(self, connection: socket.socket, clock: Connection) -> None:
        self._connection, self._clock = connection, clock

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002  always "rb"
        raw = self._connection.makefile("rb", buffering=0)
        return io.BufferedReader(_Reader(raw, self._connection, self._clock), 65_536)


class _Reader(io.RawIOBase):
    def __init__(self, raw: Any, connection: socket.socket, clock: Connection) -> None:
        self._raw, self._connection, self._clock = raw, connection, clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(self._clock.left())
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def tls(verify: bool) -> ssl.SSLContext:
    """TLS settings that trust the system's certificates (with SSL_CERT_FILE: those in that file)."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def failure(error: Exception, allowed: float) -> str:
    """Why a connection failed, in words for the camera's owner."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}); install it (update-ca-certificates), or set "
            "camera.verify = false"
        )
    if isinstance(error, TimeoutError):
        return f"no answer for {allowed:g} s"
    if isinstance(error, socket.gaierror):
        return f"its name is not known ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there; check host and port"
    if isinstance(error, http.client.RemoteDisconnected):
        return "hangs up without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"does not speak http ({type(error).__name__})"  # its text may contain the answer
    return f"cannot be reached ({in_a_line(error)})"


def _target(address: str) -> str:
    parts = urlsplit(address)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _origin(address: str) -> tuple[str, str | None, int]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
