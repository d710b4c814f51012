"""A sound as samples: read from a WAV file, or the built-in chime.

Before Python 3.12 its module `wave` refuses WAVE_FORMAT_EXTENSIBLE, which most programs write for 24 bits, and all
versions refuse floats. soundfile 0.14 reads everything, but alerts would depend on one more C library.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwatch.errors import OutputError

LONGEST = 60.0  # seconds; no alert message is longer
LARGEST = 32 * 2**20  # bytes of a file: a minute of stereo at 48 kHz in 32 bits is 23 MB
MOST = 6_000_000  # samples: a minute of stereo at 48 kHz is 5.8 million
FAINTEST = 0.01  # of full scale, for the loudest sample; below it nobody would hear the alert
MEND = "make one with: ffmpeg -i SOUND -ac 1 -ar 48000 -c:a pcm_s16le OUT.wav"
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
RATE = 48000  # Hz, of the chime; HDMI and USB devices support it without conversion
TONES = ((988.0, 0.0), (784.0, 0.45))  # (Hz, start in seconds)
CHIME = 1.2  # seconds
Samples = NDArray[np.float32]  # (frames, channels), full scale is -1 to 1


@dataclass(frozen=True, slots=True)
class Clip:
    """16 bits, little-endian, interleaved channels: the format that every device supports."""

    name: str  # for messages
    frames: bytes
    rate: int  # Hz
    channels: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.frames) / (2 * self.channels * self.rate)


def chime(volume: float) -> Clip:
    """Two tones, the second lower. They are computed, so that no file can be missing.

    Args:
        volume: 0–1.
    """
    time = np.arange(round(CHIME * RATE)) / RATE
    sound = np.zeros(len(time))
    for hertz, begin in TONES:
        since = np.maximum(time - begin, 0.0)
        loud = np.minimum(since / 0.01, 1.0) * np.exp(-since / 0.35)  # without a rise time it would click
        sound += loud * (np.sin(2 * np.pi * hertz * since) + 0.3 * np.sin(4 * np.pi * hertz * since))
    return _clip("the built-in chime", (0.95 * sound / np.abs(sound).max())[:, None], RATE, volume)


def read(path: Path, volume: float) -> Clip:
    """A WAV file of 8, 16, 24 or 32 bits or floats.

    Args:
        path: a regular file.
        volume: 0–1, factor on the samples.

    Raises:
        OutputError: it cannot be read, is not a WAV file, or would not be heard.
    """
    try:
        format_, data = _chunks(_bytes(path))
        samples, rate = _samples(format_, data)
        peak = volume * float(np.abs(samples).max())
        if peak < FAINTEST:
            raise ValueError(f"would not be heard: its loudest sample is {peak:.2%} of full scale")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"sound: file {str(path)!r}: {reason}; {MEND}") from error
    return _clip(path.name, samples, rate, volume)


def _bytes(path: Path) -> bytes:
    """The content of a regular file. A pipe would block, and a device may never end."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is not a regular file; expected a WAV file")
    if found.st_size > LARGEST:
        raise ValueError(f"is {found.st_size / 2**20:.0f} MiB; expected {LARGEST >> 20} at most")
    with path.open("rb") as file:
        return file.read(LARGEST)


def _chunks(content: bytes) -> tuple[bytes, bytes]:
    """(format, samples) of a RIFF WAVE file."""
    if not content:
        raise ValueError("is empty")
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError("is not a WAV file")
    found: dict[bytes, bytes] = {}
    for name, body in _each(content):
        found.setdefault(name, body)
    if b"fmt " not in found or len(found[b"fmt "]) < 16:
        raise ValueError("is a WAV file without a format")
    if not found.get(b"data"):
        raise ValueError("is a WAV file without samples")
    return found[b"fmt "], found[b"data"]


def _each(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk as (name, content). If a program wrote into a pipe, `data` has no valid length and goes to the end."""
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        body = content[at + 8 : at + 8 + size]
        if len(body) < size and not (name == b"data" and size >= 0xFFFFFF00):
            raise ValueError(f"is cut short: {len(body)} of {size} bytes of {name.decode('latin-1').strip()!r}")
        yield name, body
        at += 8 + size + size % 2


def _samples(format_: bytes, data: bytes) -> tuple[Samples, int]:
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", format_)
    if kind == EXTENSIBLE and len(format_) >= 26:
        kind = struct.unpack_from("<H", format_, 24)[0]
    if not (1 <= channels <= 8 and 4000 <= rate <= 192_000):
        raise ValueError(f"has {channels} channels at {rate} Hz; expected 1 to 8 at 4,000 to 192,000 Hz")
    if (kind, bits) not in NUMBERS:
        raise ValueError(f"is a WAV file of format {kind} with {bits} bits; expected 8, 16, 24 or 32, not compressed")
    frame = channels * bits // 8
    whole = len(data) // frame * frame
    if not 0 < whole <= LONGEST * rate * frame:
        raise ValueError(f"takes {whole / frame / rate:.4g} s; expected up to {LONGEST:.0f}")
    if whole * 8 > MOST * bits:
        raise ValueError(f"has {whole * 8 // bits / 1e6:.3g} million samples; expected {MOST / 1e6:g} at most")
    samples = _numbers(data[:whole], kind, bits).reshape(-1, channels)
    return samples, rate


NUMBERS = {(PCM, 8): "u1", (PCM, 16): "<i2", (PCM, 24): "u1", (PCM, 32): "<i4", (FLOAT, 32): "<f4", (FLOAT, 64): "<f8"}


def _numbers(data: bytes, kind: int, bits: int) -> Samples:
    raw = np.frombuffer(data, NUMBERS[kind, bits])
    if kind == FLOAT:
        return np.nan_to_num(raw.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    if bits == 24:  # put them into the upper three of four bytes
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = raw.reshape(-1, 3)
        raw, bits = wide.view("<i4")[:, 0], 32
    number: Samples = raw.astype(np.float32)
    number -= 128 if bits == 8 else 0
    number /= 2 ** (bits - 1)
    return number


def _clip(name: str, samples: NDArray[np.floating], rate: int, volume: float) -> Clip:
    scaled = np.clip(np.round(samples * (volume * 32767)), -32768, 32767).astype("<i2")
    return Clip(name, scaled.tobytes(), rate, samples.shape[1])


def in_memory(clip: Clip) -> int:
    """A file descriptor of an unnamed file in memory with the frames; it ends with the process."""
    descriptor = os.memfd_create("maskwatch-sound")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(clip.frames)
    return descriptor
