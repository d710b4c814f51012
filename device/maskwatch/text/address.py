"""Parses the text of camera.source. Texts with exactly one meaning are accepted; others are refused with the reason.

Messages never repeat the text, because it may contain a password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskwatch.text.authority import Authority, decoded, encoded, readings
from maskwatch.text.printable import one_line
from maskwatch.text.redaction import HIDDEN, is_suspect, shown

Kind = Literal["picamera", "v4l2", "rtsp", "http", "video", "images", "path", "demo"]
KINDS = "picamera:N, v4l2:DEVICE, rtsp://…, http://…, video:FILE, images:DIR or demo"
NETWORK: dict[str, Kind] = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"}
PASSWORD = "{password}"  # noqa: S105 - placeholder for the password of password_file
ADVICE = "in user and password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"
EXAMPLE = "rtsp://USER:PASSWORD@HOST:PORT/PATH"
PREFIX = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
DEVICE = re.compile(r"(?:(?:/dev/)?video)?(\d{1,3})", re.ASCII)
FOOTAGE = re.compile(
    r"[^:@]*\.(?:mp4|m4v|mkv|webm|avi|mov|ts|mts|m2ts|mpe?g|h264|264|h265|hevc|mjpe?g|ogv|3gp|flv|wmv)"
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class UnclearError(ValueError):
    """A text that names no source, or could name several. The message says what was expected, without the text."""


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where frames come from. Its repr contains no secret."""

    kind: Kind  # path: a video or a folder of images, see on_disk
    place: str  # number, device, file or folder; for a network camera the whole address, percent-encoded
    authority: Authority | None = None  # of a network camera

    @property
    def shown(self) -> str:
        """A form that may be printed, the same for all spellings: `picamera:0`, `rtsp://…@host/…`."""
        if self.authority is not None:
            return shown(self.place)
        if self.kind == "demo":
            return "demo"
        place = HIDDEN if is_suspect(self.place) else one_line(self.place)
        return f"{self.on_disk.kind}:{place}"

    def __repr__(self) -> str:
        return f"Address({self.shown})"

    @property
    def scheme(self) -> str:
        """rtsp, rtsps, http or https; "" if it is not a network camera."""
        return "" if self.authority is None else self.place.partition(":")[0]

    @property
    def user(self) -> str | None:
        """User of a network camera, decoded."""
        return None if self.authority is None or self.authority.user is None else decoded(self.authority.user)

    @property
    def password(self) -> str | None:
        """Password of a network camera, decoded."""
        return None if self.authority is None or self.authority.password is None else decoded(self.authority.password)

    @property
    def wants_password(self) -> bool:
        """Whether it contains the placeholder `{password}`."""
        return self.authority is not None and PASSWORD in decoded(self.authority.text)

    @property
    def without_user(self) -> str:
        """The address of a network camera without `user:password@`, for a client that logs in separately."""
        if self.authority is None:
            return self.place
        return f"{self.scheme}://{self.authority.at}{self.authority.tail}"

    @property
    def on_disk(self) -> Address:
        """The same address; a path becomes a folder of images or a video, by what is on the disk."""
        if self.kind != "path":
            return self
        return Address("images" if Path(self.place).is_dir() else "video", self.place)

    def with_password(self, password: str) -> Address:
        """The address with a password: in place of every `{password}`, or otherwise after the user's name.

        Raises:
            UnclearError: it is not a network camera, has a password already, or has no user.
        """
        if self.authority is None:
            raise UnclearError("password_file is for network cameras, and source is not one")
        hidden = encoded(password.replace("%", "%25"))
        if self.wants_password:
            spots = re.compile(r"\{password\}|%7Bpassword%7D")
            return _network(self.scheme, spots.sub(lambda _: hidden, self.authority.text))
        if self.authority.password is not None:
            raise UnclearError("there is a password in source and one in password_file; take the one in source away")
        if self.authority.user is None:
            raise UnclearError(
                f"password_file needs a user, or the word {PASSWORD}, in source: e.g. rtsp://USER@HOST/PATH"
            )
        return _network(self.scheme, f"{self.authority.user}:{hidden}@{self.authority.at}{self.authority.tail}")


def parse(spec: str) -> Address:
    """Parse the text of camera.source.

    Raises:
        UnclearError: it names no source, or could name several.
    """
    text = spec.strip()
    if CONTROL.search(text):
        raise UnclearError("there is a control character in it (a tab, a line break, a NUL); take it out")
    if text.lower() in ("demo", "picamera"):
        return Address("demo", "") if text.lower() == "demo" else Address("picamera", "0")
    if found := DEVICE.fullmatch(text):
        return Address("v4l2", f"/dev/video{int(found[1])}")  # a number alone names a V4L2 device in most programs
    if text.startswith(("/", "./", "../", "~")) or text in (".", ".."):
        return _path(text)
    if found := PREFIX.fullmatch(text):
        return _prefixed(found[1].lower(), found[2])
    if FOOTAGE.fullmatch(text.lower()):
        return Address("path", text)
    raise UnclearError(f"it names no kind of source; expected {KINDS}; a file or folder as ./NAME")


def _prefixed(kind: str, place: str) -> Address:
    if kind in NETWORK:
        if not place.startswith("//"):
            raise UnclearError(f"{kind}: needs two slashes after the colon; expected e.g. {EXAMPLE}")
        return _network(kind, place[2:])
    if kind == "picamera" and re.fullmatch(r"\d{1,3}", place, re.ASCII):
        return Address("picamera", str(int(place)))
    if kind == "v4l2" and place:
        return _device(place)
    if kind in ("video", "images") and place:
        return _footage("video" if kind == "video" else "images", place)
    if kind == "file" and place.startswith("//"):
        return _path("/" + place.lstrip("/"))
    raise UnclearError(f"it names no kind of source that exists here; expected {KINDS}")


def _network(scheme: str, rest: str) -> Address:
    if HIDDEN in rest:
        raise UnclearError(f"it contains {HIDDEN}, which replaces secrets when it is shown; write the whole address")
    ways = readings(rest)
    if not ways:
        raise UnclearError(f"no host is found in it; expected {EXAMPLE}; {ADVICE}")
    if len(ways) > 1:
        raise UnclearError(f"an @ in it can be read in {len(ways)} ways; {ADVICE}, and an @ in the path as %40 too")
    return Address(NETWORK[scheme], f"{scheme}://{ways[0].text}", ways[0])


def _device(place: str) -> Address:
    if found := DEVICE.fullmatch(place):
        return Address("v4l2", f"/dev/video{int(found[1])}")
    if "://" in place or "@" in place:
        raise UnclearError("v4l2: is for a device of this machine; expected e.g. v4l2:/dev/video0")
    return Address("v4l2", f"/{place.lstrip('/')}" if place.startswith("//") else place)


def _footage(kind: Literal["video", "images"], place: str) -> Address:
    address = PREFIX.fullmatch(place)
    if address and address[2].startswith("//") and address[1].lower() != "file":
        if kind == "video" and address[1].lower() in NETWORK:
            return parse(place)  # its only possible meaning: no file has such a name
        raise UnclearError(f"{kind}: is for files on this machine; for a network camera write rtsp://… or http://…")
    return Address(kind, at_home(place[7:] if place.lower().startswith("file://") else place))


def _path(text: str) -> Address:
    if text.startswith("/dev/"):
        return _device(text)
    return Address("path", at_home(text))


def at_home(place: str) -> str:
    """A path with an initial ~ expanded.

    Raises:
        UnclearError: the user has no home directory.
    """
    try:
        return str(Path(place).expanduser()) if place.startswith("~") else place
    except RuntimeError as error:
        raise UnclearError("~ cannot be expanded: this user has no home directory; write the whole path") from error
