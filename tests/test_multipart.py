"""A stream's parts are found however its bytes come, and whatever else comes is refused or passed over."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins.web_camera import jpeg, part

from maskwatch.camera.web.multipart import Multipart
from maskwatch.errors import SourceError

PICTURES = [jpeg(level, (32, 32)) for level in (20, 80, 140)]
NOISE = st.sampled_from([b"--door", b"\r\n", b"\n\n", b"Content-Length: 7", b"\xff\xd8\xff", b"\xff\xd9", b"--", b"x"])


@given(
    shown=st.lists(st.sampled_from(PICTURES), min_size=1, max_size=5),
    length=st.booleans(),
    end=st.sampled_from(["\r\n", "\n"]),
    dashes=st.sampled_from(["--", "----", ""]),
    size=st.integers(1, 700),
)
def test_each_picture_comes_out_as_it_went_in_however_the_bytes_are_cut(
    shown: list[bytes], length: bool, end: str, dashes: str, size: int
) -> None:
    data = b"".join(part(each, f"{dashes}door", length, end) for each in shown)
    stream, found = Multipart("door"), []
    for start in range(0, len(data), size):
        stream.feed(data[start : start + size])
        if (newest := stream.take()) is not None:
            found.append(newest)
    assert found[-1] == shown[-1]
    assert all(each in shown for each in found)
    assert len(found) <= len(shown)


@given(st.lists(NOISE | st.binary(max_size=20), max_size=60), st.sampled_from(["door", "", "--door", '"']))
def test_any_bytes_are_passed_over_or_refused(pieces: list[bytes], boundary: str) -> None:
    stream = Multipart(boundary)
    try:
        for piece in pieces:
            stream.feed(piece)
            stream.take()
    except SourceError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_after_noise_the_stream_goes_on() -> None:
    stream = Multipart("door")
    stream.feed(b"\0" * 5000 + b"\r\n" + part(PICTURES[0]) + b"\r\nnot a boundary\r\n" + part(PICTURES[1]))
    assert stream.take() == PICTURES[1]


@pytest.mark.parametrize("filler", [b"\r\n", b"-", b"--door\r\n\r\n", b"\xff\xd8\xff\xd9\r\n", b"--door\n"])
def test_a_flood_costs_little(filler: bytes) -> None:
    stream, flood = Multipart("door"), filler * (65_536 // len(filler))
    begun = time.monotonic()
    with contextlib.suppress(SourceError):
        for _ in range(40):
            stream.feed(flood)
    assert time.monotonic() - begun < 10.0
