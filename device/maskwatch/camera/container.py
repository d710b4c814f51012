"""What the bytes of a video file say about it before, and after, FFmpeg has played it."""

from __future__ import annotations

import os
from typing import BinaryIO

BOXES = (b"mdat", b"moov", b"moof", b"mfra")  # of MP4: those that a cut leaves short
BEGINNINGS = (b"ftyp", b"wide", *BOXES)
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
JPEG = b"\xff\xd8\xff"
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"v=0\r\n", b"v=0\n")
TAIL, HEAD = 512, 4096  # bytes


def is_playlist(start: bytes) -> bool:
    """Text that would send FFmpeg to other files or hosts."""
    return start.removeprefix(b"\xef\xbb\xbf").startswith(PLAYLISTS)


def has_no_clock(start: bytes) -> bool:
    """JPEGs end to end: FFmpeg makes up times, at 25 a second."""
    return start.startswith(JPEG)


def missing(file: BinaryIO) -> int:
    """How many bytes the file lacks by its own account; 0 where it does not say.

    MP4 and MOV say so box by box, AVI and Matroska at their start, a transport stream not at all.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start.startswith(EBML):
        stated = _matroska(file)
    elif start.startswith(b"RIFF"):
        stated = _avi(file, size)
    elif start[4:8] in BEGINNINGS:
        stated = _boxes(file, size)[0]
    else:
        return 0
    return max(0, stated - size)


def has_no_index(file: BinaryIO) -> bool:
    """An MP4 or MOV without the box that is written last while recording: nothing can be played without it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return file.read(8)[4:] in BEGINNINGS and b"moov" not in _boxes(file, size)[1]


def ends_in_zeros(file: BinaryIO) -> bool:
    """Room was made for a copy or recording that was never finished."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    return size > 0 and not any(file.read(TAIL))


def _boxes(file: BinaryIO, size: int) -> tuple[int, set[bytes]]:
    """Where the last box ends by its own account, and which there are."""
    place, kinds = 0, set[bytes]()
    while place + 8 <= size:
        file.seek(place)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # to the end of the file, or no box any more
            return (size, kinds | {kind} if length == 0 else kinds)
        kinds.add(kind)
        place += length
        if place > size and kind not in BOXES:  # something else laid behind the video
            return size, kinds
    return place, kinds


def _matroska(file: BinaryIO) -> int:
    """Where the segment ends; 0 when its recorder did not say, as in a live stream."""
    file.seek(4)
    head = file.read(min(_number(file)[0], HEAD) + 4)
    if head[-4:] != SEGMENT:
        return 0
    length, unknown = _number(file)
    return 0 if unknown else file.tell() + length


def _number(file: BinaryIO) -> tuple[int, bool]:
    """EBML's number of 1 to 8 bytes, the first bit set says how many; all others set: unknown."""
    first = (file.read(1) or b"\0")[0]
    more = 8 - first.bit_length()
    if more > 7:
        return 0, True
    number = int.from_bytes(bytes([first & (0x7F >> more)]) + file.read(more), "big")
    return number, number == (1 << 7 * (more + 1)) - 1


def _avi(file: BinaryIO, size: int) -> int:
    """Where the last of its lists ends; a recorder that was stopped hard leaves 0."""
    place = 0
    while place + 12 <= size:
        file.seek(place)
        head = file.read(12)
        if head[:4] != b"RIFF":
            break
        place += 8 + int.from_bytes(head[4:8], "little")
    return place
