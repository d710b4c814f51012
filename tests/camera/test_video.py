"""A video is played by its own clock, and is called cut short only when it is."""

import io
import json
import logging
import os
import threading
import wave
from pathlib import Path

import cv2
import numpy as np
import odd_videos
import pytest
from colour_door import CLOTH, GREY, SKIN, parts, scene
from filmed import frames_of, video
from hypothesis import given
from hypothesis import strategies as st
from in_a_process import in_a_process
from odd_videos import brightness, jpeg, matroska

from maskwatch.camera import open_source
from maskwatch.camera.files import video_container
from maskwatch.camera.files.video_timeline import LEAP, Timeline
from maskwatch.config import CameraSettings
from maskwatch.daemon import loop
from maskwatch.errors import SourceError

EVEN = [n / 10 for n in range(120)]
GAP = [n / 10 + (60 if n >= 60 else 0) for n in range(120)]  # writes only while something moves
DARK = [n / 10 if n < 60 else 6 + (n - 60) / 3 for n in range(120)]  # a webcam that slows down
LIGHT = [n / 3 if n < 60 else 20 + (n - 60) / 30 for n in range(120)]
JITTER = [n / 10 + 0.04 * (n * 7 % 11) / 11 for n in range(120)]
NAMES = ["even", "gap", "slowing down", "faster later", "jitter"]
STILL = [0.0, 0.1, 900.0]  # three pictures in a quarter of an hour


def film(path: Path, times: list[float]) -> Path:
    return matroska(path, [(time, jpeg(brightness(100 + n))) for n, time in enumerate(times)])


def played(path: Path, fps: float = 15.0) -> list[float]:
    return [frame.time for frame in frames_of(f"video:{path}", fps=fps)]


def refused(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        frames_of(f"video:{path}")
    assert str(caught.value).isprintable()
    return str(caught.value)


# -- the clock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [EVEN, GAP, DARK, LIGHT, JITTER, STILL], ids=[*NAMES, "still"])
def test_frames_come_at_the_times_the_file_says(tmp_path: Path, times: list[float]) -> None:
    assert played(film(tmp_path / "x.mkv", times)) == pytest.approx(times, abs=0.001)


@pytest.mark.parametrize("times", [EVEN, GAP, DARK, LIGHT, JITTER], ids=NAMES)
def test_so_they_do_in_a_transport_stream(tmp_path: Path, times: list[float]) -> None:
    path = tmp_path / "x.ts"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    for number in range(120):
        writer.write(brightness(100 + number))
    writer.release()
    assert played(odd_videos.with_times(path, times)) == pytest.approx(times, abs=0.001)


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(
    ("times", "alerts"),
    [(EVEN, 1), (GAP, 2), (DARK, 1), ([n / 10 + 30 * (n // 40) for n in range(120)], 3)],
    ids=["even", "a minute of nothing", "slowing down", "three visits"],
)
def test_each_visit_is_an_alert_at_its_time(tmp_path: Path, times: list[float], alerts: int) -> None:
    matroska(tmp_path / "x.mkv", [(time, jpeg(scene(SKIN))) for time in times])
    stream = io.StringIO()
    source = open_source(CameraSettings(source=f"video:{tmp_path / 'x.mkv'}"))
    loop.run(parts(source, stream), threading.Event())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    begun = [line["time"] for line in lines if line["event"] == "alert_on"]
    assert len(begun) == alerts
    visits = [time for time, before in zip(times, [-9.0, *times], strict=False) if time - before > 5]
    assert begun == pytest.approx(visits, abs=2.5)


def test_two_recordings_laid_end_to_end_go_on_after_each_other(tmp_path: Path) -> None:
    path = tmp_path / "x.ts"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    for number in range(30):
        writer.write(brightness(100 + number))
    writer.release()
    path.write_bytes(path.read_bytes() * 2)
    assert played(path) == pytest.approx([n / 10 for n in range(60)], abs=0.11)


@pytest.mark.parametrize("name", ["x.h264", "x.mjpeg"])
@pytest.mark.parametrize("fps", [5.0, 15.0, 30.0])
def test_a_bare_stream_plays_at_the_rate_in_the_settings_and_says_so(
    tmp_path: Path, name: str, fps: float, caplog: pytest.LogCaptureFixture
) -> None:
    levels = range(100, 140)
    content = odd_videos.h264(levels) if name == "x.h264" else b"".join(jpeg(brightness(level)) for level in levels)
    (tmp_path / name).write_bytes(content)
    frames = frames_of(f"video:{tmp_path / name}", fps=fps)
    assert [frame.time for frame in frames] == pytest.approx([n / fps for n in range(40)])
    assert all(abs(float(frame.image.mean()) - 100 - n) < 30 for n, frame in enumerate(frames))
    said = f"video {tmp_path / name}: a stream without times; taken as {fps:g} frames a second (camera.fps)"
    assert [record.getMessage() for record in caplog.records] == [said]


@given(st.lists(st.none() | st.floats() | st.floats(0, 100), max_size=60), st.sampled_from([0.5, 15.0, 240.0]))
def test_times_never_run_backwards_nor_leap_whatever_the_stream_says(stated: list[float | None], fps: float) -> None:
    timeline = Timeline(fps)
    times = [timeline.place(time) for time in stated]
    steps = np.diff([0.0, *times])
    assert all(0 <= step < LEAP for step in steps)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ([0, 0.1, 0.05, 0.2], [0, 0.1, 0.1, 0.2]),  # jitter
        ([0, 0.1, None, 0.3], [0, 0.1, 0.2, 0.3]),  # one frame without
        ([0, 10, 20, 0, 0.1], [0, 10, 20, 21, 21.1]),  # a clock that begins anew
        ([5, 5.1, 1e9, 1e9 + 0.1], [5, 5.1, 5.2, 5.3]),  # a damaged stamp
        ([-3, -2.9], [0, 0.1]),
        ([None, None, None], [0, 0.1, 0.2]),
        ([2, 3600], [2, 3600]),  # nothing moved for an hour
    ],
)
def test_a_clock_is_believed_as_far_as_it_can_be(stated: list[float | None], expected: list[float]) -> None:
    timeline = Timeline(10.0)
    assert [timeline.place(time) for time in stated] == pytest.approx(expected)


# -- what is whole and what is not ----------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [EVEN, GAP, LIGHT], ids=["even", "gap", "faster later"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_file_that_is_cut_says_how_much_is_missing(tmp_path: Path, times: list[float], share: float) -> None:
    path = film(tmp_path / "x.mkv", times)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    lacking = len(content) - int(len(content) * share)
    assert f"cut short, {lacking} bytes are missing; copy it again" in refused(path)


@pytest.mark.parametrize(("suffix", "codec"), [("avi", "MJPG"), ("mkv", "MJPG"), ("mov", "MJPG")])
def test_a_copy_that_was_never_finished_ends_in_zeros(tmp_path: Path, suffix: str, codec: str) -> None:
    path = video(tmp_path / f"x.{suffix}", 50, codec)
    content = path.read_bytes()
    if suffix == "mov":  # its index stands at the end
        path.write_bytes(content[: len(content) // 2] + bytes(len(content) // 2))
        assert "has no index (moov)" in refused(path)
        return
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    assert "only zeros follow; copy it again" in refused(path)


def test_a_card_that_fails_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(video_container, "missing", fails)
    assert "ends after 120 frames: Input/output error" in refused(film(tmp_path / "x.mkv", EVEN))


def test_a_recording_still_going_on_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    frames = [(time, jpeg(brightness(100))) for time in EVEN]
    path = matroska(tmp_path / "x.mkv", frames, finished=False)
    path.write_bytes(path.read_bytes()[:-700])
    assert len(played(path)) >= len(EVEN) - 2


def test_a_trimmed_film_is_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A phone keeps what was cut out in the file: fewer frames are shown than are there."""
    path = odd_videos.patched(video(tmp_path / "x.mp4", 40, "mp4v"), b"elst", odd_videos.halved)
    assert played(path) == pytest.approx([n / 10 for n in range(20)])
    assert "cut short" not in caplog.text


def test_something_laid_behind_a_film_is_no_cut(tmp_path: Path) -> None:
    path = video(tmp_path / "x.mp4", 40, "mp4v")
    path.write_bytes(path.read_bytes() + b"\x7f\xff\xff\xffSEFT" + bytes(100))
    assert len(played(path)) == 40


def test_a_codec_that_cannot_be_decoded_is_named_with_its_mend(tmp_path: Path) -> None:
    path = matroska(tmp_path / "x.mkv", [(time, odd_videos.AV1_FRAME) for time in EVEN], "V_AV1", odd_videos.AV1_HEADER)
    said = refused(path)
    if "none of its" not in said:
        pytest.fail(said)
    assert "codec av01: none of its 120 frames can be decoded" in said
    assert "`ffmpeg -i IN -c:v libx264 OUT.mp4` converts it" in said


def sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty (0 bytes)"),
        (b"hello", "no video FFmpeg can read"),
        (bytes(100_000), "no video FFmpeg can read"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n", "a playlist; expected a video"),
        (b"ffconcat version 1.0\nfile /dev/zero\n", "a playlist; expected a video"),
        (b"\0\0\0\x14ftypisom\0\0\0\0isom\0\0\1\0mdat" + bytes(50), "has no index (moov): cut short, or still being"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    assert reason in refused(tmp_path / "x.mp4")


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    sound(tmp_path / "x.wav")
    assert "sound alone, a codec it lacks, or cut short" in refused(tmp_path / "x.wav")


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", ".", "a" * 5000, "gone.mp4"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / name)


# -- the picture ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "size"),
    [(None, (48, 64)), ((64, 48), (48, 64)), ((85, 48), (48, 85)), ((48, 48), (64, 64)), ((1, 48), (48, 64))],
)
def test_a_frame_has_square_pixels(tmp_path: Path, shown: tuple[int, int] | None, size: tuple[int, int]) -> None:
    frames = [(n / 10, jpeg(scene(CLOTH))) for n in range(5)]
    found = frames_of(f"video:{matroska(tmp_path / 'x.mkv', frames, shown=shown)}")
    assert {frame.image.shape for frame in found} == {(*size, 3)}
    assert np.abs(found[0].image[0, 0].astype(int) - GREY).max() < 12


def test_a_phone_held_upright_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 48))
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24] = 200
    for _ in range(5):
        writer.write(image)
    writer.release()
    frame = frames_of(f"video:{odd_videos.patched(path, b'tkhd', odd_videos.turned)}")[0]
    assert frame.image.shape == (64, 48, 3)
    assert frame.image[:, 28:].mean() > 180
    assert frame.image[:, :20].mean() < 20


def test_frames_of_another_size_midway_come_in_the_first_ones_size(tmp_path: Path) -> None:
    small, large = (jpeg(np.full((h, w, 3), 90, np.uint8)) for h, w in ((48, 64), (96, 128)))
    path = matroska(tmp_path / "x.mkv", [(n / 10, small if n < 5 else large) for n in range(10)])
    found = frames_of(f"video:{path}")
    assert [frame.image.shape for frame in found] == [(48, 64, 3)] * 10


@pytest.mark.parametrize("name", [b"\xff\xfe.avi", "😀 %d.avi".encode(), b"http:x.avi", b"-i.avi"])
def test_a_video_may_have_any_name(tmp_path: Path, name: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is no UTF-8 ends cv2 by a segmentation fault."""
    monkeypatch.chdir(tmp_path)
    video(tmp_path / "x.avi", 20).rename(os.fsdecode(name))
    assert len(played(Path(os.fsdecode(name)))) == 20


FUZZ = "import json, odd_videos; print(json.dumps(odd_videos.try_all(80)))"


def test_damaged_videos_are_played_or_refused_quickly_and_in_little_memory() -> None:
    said, seconds, _ = in_a_process(FUZZ)
    figures = json.loads(said)
    assert figures["played"] > 10
    assert figures["refused"] > 10
    assert figures["slowest_s"] < 10
    assert figures["memory_mb"] < 200
    assert seconds < 60


def test_uneven_frames_are_described_as_such(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        source = open_source(CameraSettings(source=f"video:{film(tmp_path / 'x.mkv', EVEN)}"))
        assert source.describe() == "10 frames a second"
        source.close()
        source.close()
    assert not caplog.records
