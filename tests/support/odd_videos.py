"""Videos that cv2's writer cannot make: uneven times, pixels that are not square, bare streams, unknown codecs.

`python tests/support/odd_videos.py 5000` plays more damaged ones than the tests do, and prints the figures.
"""

from __future__ import annotations

import random
import re
import resource
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from odd_pictures import damaged

from maskwatch.camera.files.video import VideoFile
from maskwatch.errors import SourceError
from maskwatch.flow import Image

# A grey 64x48 frame of AV1, which the FFmpeg in OpenCV's wheels knows by name and cannot decode.
AV1_HEADER = bytes.fromhex("81000c00")
AV1_FRAME = bytes.fromhex("12000a0918157fbda2021a0d08321a14c78786650208209e50000000c21168d695220aca71dd4d3880")


def jpeg(image: Image) -> bytes:
    """An RGB picture, as one frame of Motion JPEG."""
    return cv2.imencode(".jpg", image[..., ::-1])[1].tobytes()


def _element(name: str, body: bytes) -> bytes:
    return bytes.fromhex(name) + (len(body) | (1 << 56)).to_bytes(8, "big") + body


def _number(name: str, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def matroska(
    path: Path,
    frames: Sequence[tuple[float, bytes]],
    codec: str = "V_MJPEG",
    private: bytes = b"",
    shown: tuple[int, int] | None = None,
    finished: bool = True,
) -> Path:
    """Write a complete file.

    Args:
        path: of the file.
        frames: (seconds, packet), 64x48 pixels each.
        codec: Matroska's name of it.
        private: its header.
        shown: width and height in which a frame is to be shown.
        finished: False leaves out the lengths, like a recorder that is still recording.
    """
    kind = _number("4286", 1) + _number("42F7", 1) + _number("42F2", 4) + _number("42F3", 8)
    head = _element("1A45DFA3", kind + _element("4282", b"matroska") + _number("4287", 4) + _number("4285", 2))
    length = struct.pack(">d", 1000 * frames[-1][0] + 100)
    info = _element("1549A966", _number("2AD7B1", 1_000_000) + (_element("4489", length) if finished else b""))
    size = _number("B0", 64) + _number("BA", 48)
    if shown:
        size += _number("54B0", shown[0]) + _number("54BA", shown[1])
    track = _number("D7", 1) + _number("73C5", 1) + _number("83", 1) + _element("86", codec.encode())
    track += _element("E0", size) + (_element("63A2", private) if private else b"")
    clusters = b"".join(
        _element("1F43B675", _number("E7", round(1000 * time)) + _element("A3", b"\x81\0\0\x80" + packet))
        for time, packet in frames
    )
    segment = _element("18538067", info + _element("1654AE6B", _element("AE", track)) + clusters)
    if not finished:
        segment = segment[:4] + b"\x01" + 7 * b"\xff" + segment[12:]
    path.write_bytes(head + segment)
    return path


def with_times(path: Path, times: Sequence[float]) -> Path:
    """An MPEG transport stream of cv2 with other times, in seconds, in the order of its frames."""
    content, number = bytearray(path.read_bytes()), 0
    for place in range(0, len(content), 188):
        start = content.find(b"\0\0\1\xe0", place, place + 188)
        if not content[place + 1] & 0x40 or start < 0:
            continue
        content[start + 7] = 0x80  # a time to show it, but no time to decode it
        ticks = round(90_000 * (1 + times[number]))
        parts = (
            0x21 | ticks >> 29 & 0xE,
            ticks >> 22 & 0xFF,
            ticks >> 14 & 0xFE | 1,
            ticks >> 7 & 0xFF,
            ticks << 1 & 0xFE | 1,
        )
        content[start + 9 : start + 14] = bytes(parts)
        number += 1
    assert number == len(times)
    path.write_bytes(content)
    return path


def patched(path: Path, box: bytes, change: Callable[[bytearray], None]) -> Path:
    """An MP4 with the content of its first box of this kind changed in place."""
    content = bytearray(path.read_bytes())
    start = content.index(box) + 4
    length = int.from_bytes(content[start - 8 : start - 4], "big")
    body = content[start : start + length - 8]
    change(body)
    content[start : start + length - 8] = body
    path.write_bytes(content)
    return path


def turned(body: bytearray) -> None:
    """In `tkhd`: turn right, as written by a phone held upright."""
    body[40:76] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 48 << 16, 0, 1 << 30)


def halved(body: bytearray) -> None:
    """In `elst`: the film was trimmed to its first half; all frames stay in the file."""
    body[8:12] = (int.from_bytes(body[8:12], "big") // 2).to_bytes(4, "big")


def h264(levels: Sequence[int], across: int = 4, down: int = 3) -> bytes:
    """A bare H.264 stream: frames of one brightness each, not 0, with uncompressed blocks of 16x16 pixels (I_PCM)."""
    settings = _unit(0x67, _bits("01000010 00000000 00001010", 0, 0, 2, 0, "0", across - 1, down - 1, "110 0"))
    choices = _unit(0x68, _bits(0, 0, "00", 0, 0, 0, "000", 0, 0, 0, "000"))
    return settings + choices + b"".join(_picture(n, level, across * down) for n, level in enumerate(levels))


def _picture(number: int, level: int, blocks: int) -> bytes:
    bits = _bits(0, 7, 0, "0000", number % 2, "00", 0)
    content = b""
    for _ in range(blocks):
        bits += _bits(25)
        bits += "0" * (-len(bits) % 8)
        content += int(bits, 2).to_bytes(len(bits) // 8, "big") + bytes([level]) * 256 + b"\x80" * 128
        bits = ""
    return _unit(0x65, None, content)


def _bits(*values: int | str) -> str:
    """Numbers as Exp-Golomb codes, strings unchanged."""
    return "".join(_golomb(value) if isinstance(value, int) else value.replace(" ", "") for value in values)


def _golomb(value: int) -> str:
    return "0" * ((value + 1).bit_length() - 1) + f"{value + 1:b}"


def _unit(kind: int, bits: str | None, content: bytes = b"") -> bytes:
    bits = (bits or "") + "1"
    bits += "0" * (-len(bits) % 8)
    content += int(bits, 2).to_bytes(len(bits) // 8, "big")
    return b"\0\0\0\1" + bytes([kind]) + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", content)


def brightness(level: int) -> Image:
    """(48, 64, 3) of one grey."""
    return np.full((48, 64, 3), level, np.uint8)


def whole(folder: Path) -> list[bytes]:
    """Short films of the kinds that cv2 can write, and of the kinds made here."""
    films = [
        h264(range(100, 120)),
        matroska(folder / "x.mkv", [(n / 9, jpeg(brightness(n))) for n in range(20)]).read_bytes(),
    ]
    for suffix, codec in (
        ("avi", "MJPG"),
        ("mp4", "mp4v"),
        ("mkv", "mp4v"),
        ("ts", "mp2v"),
        ("webm", "VP80"),
        ("flv", "FLV1"),
    ):
        path = folder / f"x.{suffix}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10.0, (64, 48))
        for number in range(20):
            writer.write(brightness(100 + 5 * number))
        writer.release()
        films.append(path.read_bytes())
    return films


def try_all(number: int, seed: int = 0) -> dict[str, float]:
    """Play so many damaged films; raises whatever is not a SourceError, and also times that run backwards."""
    dice, counts, slowest = random.Random(seed), Counter[str](), 0.0
    with tempfile.TemporaryDirectory() as folder:
        films, path = whole(Path(folder)), Path(folder) / "x"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(number):
            path.write_bytes(damaged(dice.choice(films), dice))
            start = time.perf_counter()
            counts["played" if play(path) else "refused"] += 1
            slowest = max(slowest, time.perf_counter() - start)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {**counts, "slowest_s": round(slowest, 3), "memory_mb": round(memory)}


def play(path: Path) -> bool:
    """Whether there was a frame, or else a line that said why not."""
    newest = 0.0
    try:
        film = VideoFile(path, 15.0)
        try:
            while not film.ended:
                if frame := film.read(0):
                    assert frame.time >= newest
                    assert frame.image.ndim == 3
                    newest = frame.time
        finally:
            film.close()
    except SourceError:
        return False
    return True


if __name__ == "__main__":
    print(try_all(int(sys.argv[1]), *map(int, sys.argv[2:])))
