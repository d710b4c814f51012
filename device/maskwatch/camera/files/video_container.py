"""What the bytes of a video file say: whether FFmpeg may open it, and after playing, whether it was complete."""

from __future__ import annotations

import os
from typing import BinaryIO

BOXES = (b"mdat", b"moov", b"moof", b"mfra")  # of MP4: boxes that are incomplete in a file cut short
BEGINNINGS = (b"ftyp", b"wide", *BOXES)
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
JPEG = b"\xff\xd8\xff"
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"v=0\r\n", b"v=0\n")
TAIL, HEAD = 512, 4096  # bytes


def is_playlist(start: bytes) -> bool:
    """Whether the file is text that makes FFmpeg open other files or hosts."""
    return start.removeprefix(b"\xef\xbb\xbf").startswith(PLAYLISTS)


def has_no_clock(start: bytes) -> bool:
    """Whether the file is JPEGs without a container: FFmpeg then invents times, 25 frames a second."""
    return start.startswith(JPEG)


def missing(file: BinaryIO) -> int:
    """How many bytes are missing, by the lengths that the file states; 0 where it states none.

    MP4 and MOV state a length for each box, AVI and Matroska at their start, a transport stream states none.
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
    """Whether it is an MP4 or MOV without the moov box. Recorders write that box last, and no player works without
    it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return file.read(8)[4:] in BEGINNINGS and b"moov" not in _boxes(file, size)[1]


def ends_in_zeros(file: BinaryIO) -> bool:
    """Whether the file ends in zeros: space was reserved for a copy or recording that was never finished."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    return size > 0 and not any(file.read(TAIL))


def _boxes(file: BinaryIO, size: int) -> tuple[int, set[bytes]]:
    """The stated end of the last box, in bytes, and the kinds of all boxes."""
    at, kinds = 0, set[bytes]()
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: the box goes on to the end of the file; 2 to 7: not a box
            return (size, kinds | {kind} if length == 0 else kinds)
        kinds.add(kind)
        at += length
        if at > size and kind not in BOXES:  # other data was appended to the video
            return size, kinds
    return at, kinds


def _matroska(file: BinaryIO) -> int:
    """Where the segment ends, in bytes; 0 when the recorder stated no length, as in a live stream."""
    file.seek(4)
    head = file.read(min(_number(file)[0], HEAD) + 4)
    if head[-4:] != SEGMENT:
        return 0
    length, unknown = _number(file)
    return 0 if unknown else file.tell() + length


def _number(file: BinaryIO) -> tuple[int, bool]:
    """A number of 1 to 8 bytes (EBML, RFC 8794 section 4), and whether it means "unknown".

    The position of the first 1 bit is the number of bytes; if all bits after it are 1, the length is unknown.
    """
    first = (file.read(1) or b"\0")[0]
    more = 8 - first.bit_length()
    if more > 7:
        return 0, True
    number = int.from_bytes(bytes([first & (0x7F >> more)]) + file.read(more), "big")
    return number, number == (1 << 7 * (more + 1)) - 1


def _avi(file: BinaryIO, size: int) -> int:
    """The stated end of the last RIFF list, in bytes; near 0 when the recorder was cut off before it wrote the
    length."""
    at = 0
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        if head[:4] != b"RIFF":
            break
        at += 8 + int.from_bytes(head[4:8], "little")
    return at
