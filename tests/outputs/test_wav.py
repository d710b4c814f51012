"""A WAV file of any common kind is the same sound; what is none, or would not be heard, is refused with the reason."""

import io
import os
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from maskwatch.errors import OutputError
from maskwatch.outputs.wav import FAINTEST, LARGEST, RATE, chime, read

TONE = np.sin(np.arange(4800) / 7) * 0.5  # a tenth of a second at 48 kHz


def riff(*chunks: tuple[bytes, bytes], size: int | None = None) -> bytes:
    """A WAVE file; `size`: what the last chunk says of itself."""
    body = b"WAVE"
    for place, (name, data) in enumerate(chunks):
        told = size if size is not None and place == len(chunks) - 1 else len(data)
        body += name + struct.pack("<I", told) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def header(kind: int, bits: int, channels: int = 1, rate: int = 48000, extensible: bool = False) -> tuple[bytes, bytes]:
    frame = channels * bits // 8
    data = struct.pack("<HHIIHH", 0xFFFE if extensible else kind, channels, rate, rate * frame, frame, bits)
    if extensible:
        data += struct.pack("<HHIH", 22, bits, 0, kind) + bytes.fromhex("000000001000800000aa00389b71")
    return b"fmt ", data


def samples(kind: int, bits: int, tone: np.ndarray = TONE) -> bytes:
    if kind == 3:
        return tone.astype("<f4" if bits == 32 else "<f8").tobytes()
    if bits == 8:
        return np.round(tone * 127 + 128).astype(np.uint8).tobytes()
    whole = np.round(tone * (2 ** (bits - 1) - 1)).astype("<i4")
    raw = whole.view(np.uint8).reshape(-1, 4)
    return {16: whole.astype("<i2").tobytes(), 24: raw[:, :3].tobytes(), 32: whole.tobytes()}[bits]


def played(path: Path, volume: float = 1.0) -> np.ndarray:
    return np.frombuffer(read(path, volume).frames, "<i2") / 32767


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(("kind", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
def test_every_kind_of_number_is_the_same_sound(tmp_path: Path, kind: int, bits: int, extensible: bool) -> None:
    path = tmp_path / "a.wav"
    extra = (b"LIST", b"odd")  # other programs' notes, of an odd length
    path.write_bytes(riff(header(kind, bits, extensible=extensible), extra, (b"data", samples(kind, bits))))
    assert np.abs(played(path) - TONE).max() < (0.01 if bits == 8 else 0.0001)
    assert read(path, 1.0).seconds == pytest.approx(0.1)


def test_what_pythons_own_module_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 22050, 0, "NONE", ""))
        file.writeframes(samples(1, 16, np.repeat(TONE, 2)))
    clip = read(path, 1.0)
    assert (clip.name, clip.rate, clip.channels) == ("a.wav", 22050, 2)
    assert clip.seconds == pytest.approx(4800 / 22050)


@pytest.mark.parametrize("volume", [1.0, 0.5, 0.05])
def test_volume_scales_the_samples(tmp_path: Path, volume: float) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(header(1, 16), (b"data", samples(1, 16))))
    assert np.abs(played(path, volume)).max() == pytest.approx(0.5 * volume, abs=1e-3)


def test_floats_beyond_full_scale_are_cut_and_none_is_not_a_number(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    wild = np.array([2.0, -3.0, np.nan, np.inf, -np.inf, 0.25])
    path.write_bytes(riff(header(3, 32), (b"data", samples(3, 32, wild))))
    assert played(path) == pytest.approx([1, -1, 0, 1, -1, 0.25], abs=1e-4)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0xFFFFFFF0])
def test_a_file_that_was_written_into_a_pipe_goes_on_to_its_end(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(header(1, 16), (b"data", samples(1, 16)), size=size))
    assert read(path, 1.0).seconds == pytest.approx(0.1)


GOOD = (b"data", samples(1, 16))
BAD = {
    "empty": (b"", "is empty"),
    "an mp3": (b"ID3\x04" + bytes(500), "is not a WAV file"),
    "text": (b"hello", "is not a WAV file"),
    "the first bytes": (riff(header(1, 16), GOOD)[:30], "is cut short"),
    "no format": (riff(GOOD), "without a format"),
    "no samples": (riff(header(1, 16)), "without samples"),
    "no sample": (riff(header(1, 16), (b"data", b"")), "without samples"),
    "half a sample": (riff(header(1, 16), (b"data", b"\1")), "takes 0 s"),
    "half of it": (riff(header(1, 16), GOOD)[:4000], "is cut short: 3956 of 9600 bytes of 'data'"),
    "12 bits": (riff(header(1, 12), GOOD), "format 1 with 12 bits"),
    "compressed": (riff(header(17, 4), GOOD), "format 17 with 4 bits"),
    "no channel": (riff(header(1, 16, channels=0), GOOD), "has 0 channels"),
    "nine channels": (riff(header(1, 16, channels=9), GOOD), "has 9 channels"),
    "no rate": (riff(header(1, 16, rate=0), GOOD), "at 0 Hz"),
    "silence": (riff(header(1, 16), (b"data", bytes(9600))), "would not be heard: its loudest sample is 0.00%"),
    "nearly silence": (riff(header(1, 16), (b"data", samples(1, 16, TONE * FAINTEST))), "would not be heard"),
    "not numbers": (riff(header(3, 32), (b"data", samples(3, 32, TONE * np.nan))), "would not be heard"),
    "too many samples": (
        riff(header(1, 8, channels=8, rate=192_000), (b"data", bytes(8 * 1_000_000))),
        "has 8 million samples; expected 6",
    ),
    "more than a minute": (riff(header(1, 8, rate=4000), (b"data", bytes(4000 * 61))), "takes 61 s; expected up to 60"),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_what_would_not_be_heard_is_refused_with_its_reason_and_mend(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(OutputError) as caught:
        read(path, 1.0)
    text = str(caught.value)
    assert text.startswith(f"sound: file '{path}': ")
    assert reason in text
    assert "ffmpeg -i SOUND" in text


def test_only_regular_files_of_a_sane_size_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(LARGEST + 1)
    for name, reason in {
        "pipe": "is not a regular file",
        "huge": "is 32 MiB; expected 32 at most",
        ".": "is not a regular file",
        "absent": "No such file",
        "n\0l": "embedded null",
        "x" * 300: "File name too long",
    }.items():
        with pytest.raises(OutputError, match=reason):
            read(tmp_path / name, 1.0)
    with pytest.raises(OutputError, match="not a regular file"):
        read(Path("/dev/zero"), 1.0)


def test_any_bytes_are_a_sound_or_a_refusal() -> None:
    rng = np.random.default_rng(0)
    good = bytearray(riff(header(1, 24, channels=2, extensible=True), (b"data", samples(1, 24))))
    path = Path(f"/dev/shm/maskwatch-test-wave-{os.getpid()}")  # noqa: S108 - 300 files: in memory
    try:
        for _ in range(300):
            bad = good.copy()
            for place in rng.integers(0, 80, 3):
                bad[place] = rng.integers(256)
            path.write_bytes(bad[: rng.integers(len(bad))] if rng.random() < 0.3 else bad)
            try:
                assert read(path, 1.0).seconds > 0
            except OutputError:
                continue
    finally:
        path.unlink()


def test_the_built_in_chime_is_short_loud_and_does_not_click() -> None:
    clip = chime(1.0)
    wave_ = np.frombuffer(clip.frames, "<i2") / 32767
    assert (clip.rate, clip.channels) == (RATE, 1)
    assert 0.5 < clip.seconds < 2
    assert 0.9 < np.abs(wave_).max() < 1
    assert max(abs(wave_[0]), abs(wave_[-1])) < 0.1
    assert np.abs(np.diff(wave_)).max() < 0.25
    assert io.BytesIO(clip.frames).getbuffer().nbytes == 2 * len(wave_)
