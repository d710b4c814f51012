"""Whatever lies in a folder: what can be read is read in order, the rest is told, nothing hangs or fills the memory."""

import json
import os
import socket
import struct
import time
import zlib
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import odd_pictures
import pytest
from colour_door import SKIN, ColourFinder, ColourJudge, scene
from filmed import frames_of, picture
from in_a_process import in_a_process

import maskwatch
from maskwatch.camera import open_source
from maskwatch.camera.files import folder, image_folder, pictures
from maskwatch.cli import still_pictures
from maskwatch.cli.progress import ERASE, Progress
from maskwatch.config import CameraSettings
from maskwatch.errors import SourceError

SECONDS = 10  # what nothing here may take


def names(place: Path) -> list[str]:
    return [name for name, _ in folder.find([place]).pictures]


# -- which files, in which order ------------------------------------------------------------------------------------


def test_frame_2_comes_before_frame_10(tmp_path: Path) -> None:
    ordered = [
        "1/b9.png",
        "2/a1.png",
        "2/a2.png",
        "2/a10.png",
        "10/a1.png",
        "frame002.jpg",
        "frame3.jpg",
        "frame10.jpg",
    ]
    for name in reversed(ordered):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ordered


def test_a_number_may_be_as_long_as_a_name() -> None:
    assert sorted(["9" * 250, "1" + "0" * 250, "8"], key=folder.counted) == ["8", "9" * 250, "1" + "0" * 250]


def test_other_names_of_the_same_kinds_are_taken_and_the_rest_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.jfif", "b.JPE", "c.tif", "d.tiff"):
        picture(tmp_path / name)
    for name in ("e.heic", "f.HEIC", "g.txt", "README", "._a.jfif", ".DS_Store"):
        (tmp_path / name).write_bytes(b"\0\x05\x16\x07")
    assert len(frames_of(f"images:{tmp_path}")) == 4
    told = "4 files skipped: 2 .heic, 1 .txt, 1 without a suffix"
    assert Counter(folder.find([tmp_path]).skipped) == {".heic": 2, ".txt": 1, "without a suffix": 1}
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"images {tmp_path}: 4 files skipped: 2 .heic, 1 ")
    assert len(line) == len(f"images {tmp_path}: {told}")


def test_a_folder_of_other_kinds_alone_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.heic").touch()
    with pytest.raises(SourceError, match=r"no image inside; expected .*; 1 file skipped: 1 \.heic"):
        open_source(CameraSettings(source=f"images:{tmp_path}"))
    with pytest.raises(SourceError, match=r"no image found; .*1 \.heic"):
        list(still_pictures.inspect(folder.find([tmp_path]), ColourFinder(), ColourJudge()))


@pytest.mark.parametrize(
    ("name", "taken"),
    [("a.JFIF", True), ("a.b.tif", True), ("._a.jpg", False), (".jpg", False), ("a.heic", False), ("jpg", False)],
)
def test_a_picture_is_known_by_its_name(name: str, taken: bool) -> None:
    assert pictures.is_picture(name) == taken


def test_many_kinds_are_told_in_a_short_line(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"x.k{number}").touch()
    assert folder.find([tmp_path]).skipped_text().endswith(", 24 others")


def test_links_that_lead_round_a_circle_are_not_followed(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "itself.png").symlink_to(tmp_path / "itself.png")
    found = folder.find([tmp_path])
    assert [name for name, _ in found.pictures] == ["a.png", "itself.png"]
    assert found.skipped_text() == "1 file skipped: 1 as a link to a folder"
    with pytest.raises(SourceError, match=r"itself\.png: Too many levels of symbolic links"):
        pictures.read(tmp_path / "itself.png")


@pytest.mark.parametrize(("depth", "name", "is_too_deep"), [(1100, "d", False), (25, "d" * 200, True)])
def test_a_folder_can_be_as_deep_as_the_system_lets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int, name: str, is_too_deep: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "a.png")
    for _ in range(depth):
        os.mkdir(name)  # noqa: PTH102
        os.chdir(name)
    try:
        found = folder.find([tmp_path])
    finally:
        for _ in range(depth):  # pytest's own cleaning goes down by recursion
            os.chdir("..")
            os.rmdir(name)  # noqa: PTH106
    assert [found for found, _ in found.pictures] == ["a.png"]
    assert ["File name too long" in str(error) for error in found.closed] == [True] * is_too_deep


def test_a_folder_that_is_closed_to_us_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "closed").mkdir()
    listed = os.scandir

    def scandir(place: str) -> "os._ScandirIterator[str]":  # tests may run as root, who may list anything
        if place.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return listed(place)

    monkeypatch.setattr(os, "scandir", scandir)
    error, still = still_pictures.inspect(folder.find([tmp_path]), ColourFinder(), ColourJudge())
    assert "closed: Permission denied" in str(error)
    assert isinstance(still, still_pictures.Still)


def test_a_folder_of_many_files_is_listed_in_seconds(tmp_path: Path) -> None:
    for number in range(20_000):
        os.close(os.open(f"{tmp_path}/{number}.jpg", os.O_CREAT))
    start = time.perf_counter()
    assert names(tmp_path)[-1] == "19999.jpg"
    assert time.perf_counter() - start < SECONDS


def test_a_folder_that_is_taken_away_ends_the_run_with_the_reason(tmp_path: Path) -> None:
    place = tmp_path / "stick"
    place.mkdir()
    for number in range(50):
        picture(place / f"{number}.png")
    source = image_folder.ImageFolder(place, 10)
    assert source.read(0) is not None
    place.rename(tmp_path / "gone")
    with pytest.raises(SourceError, match=r"stick: the folder is gone after 1 of 50 images"):
        source.read(0)
    assert source.ended


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"a\nb\x1b[31m.png", b"\xff\xfe.png", "😀.png".encode(), b"-.png"])
def test_any_name_is_read_and_printed_in_one_safe_line(tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))  # noqa: PTH118
    cv2_free = cv2.imencode(".png", scene(SKIN)[..., ::-1])[1].tobytes()
    path.write_bytes(cv2_free)
    (tmp_path / "z.png").write_bytes(cv2_free)
    found = list(still_pictures.inspect(folder.find([tmp_path]), ColourFinder(), ColourJudge()))
    assert len(found) == 2
    for still in found:
        assert isinstance(still, still_pictures.Still)
        assert still_pictures.text_line(still).isprintable()
        assert still_pictures.json_line(still).isprintable()
        still_pictures.json_line(still).encode("ascii")
    given = {os.fsencode(json.loads(still_pictures.json_line(still))["image"]) for still in found}
    assert given == {name, b"z.png"}
    path.write_bytes(b"")
    error = next(iter(still_pictures.inspect(folder.find([path]), ColourFinder(), ColourJudge())))
    assert isinstance(error, SourceError)
    assert str(error).isprintable()


# -- hostile files --------------------------------------------------------------------------------------------------


def test_only_regular_files_are_read_and_nothing_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").symlink_to("/dev/zero")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "c.jpg"))
    (tmp_path / "d.jpg").symlink_to("/dev/stdin")
    with (tmp_path / "e.png").open("wb") as sparse:
        sparse.truncate(1 << 40)
    (tmp_path / "f.png").touch()
    picture(tmp_path / "g.png")
    start = time.perf_counter()
    *errors, still = still_pictures.inspect(folder.find([tmp_path]), ColourFinder(), ColourJudge())
    assert time.perf_counter() - start < SECONDS
    assert isinstance(still, still_pictures.Still)
    reasons = ["a pipe", "a device", "a socket", "", "bytes", "empty"]
    assert all(reason in str(error) for error, reason in zip(errors, reasons, strict=True))
    listening.close()


def test_images_of_a_folder_go_on_past_a_pipe(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    picture(tmp_path / "b.png")
    assert len(frames_of(f"images:{tmp_path}")) == 1
    assert "a.jpg: a pipe, expected a regular file" in caplog.text


def png(width: int, height: int) -> bytes:
    """Black, a thousand times smaller than what it decodes to."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(1 + width * 3)) for _ in range(height)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return pictures.PNG_START + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def stretched(data: bytes, old: bytes, new: bytes) -> bytes:
    """The same file, saying in its header that it is larger."""
    assert data.count(old) == 1
    return data.replace(old, new)


def bombs() -> dict[str, bytes]:
    """Small files of 12,000x12,000 pixels, or that say so."""
    grey = np.full((1000, 1001, 3), 100, np.uint8)
    options = {".tif": [cv2.IMWRITE_TIFF_COMPRESSION, 5], ".webp": [cv2.IMWRITE_WEBP_QUALITY, 80]}
    kinds = (".jpg", ".bmp", ".tif", ".webp")
    jpeg, bmp, tif, webp = (cv2.imencode(kind, grey, options.get(kind, []))[1].tobytes() for kind in kinds)
    side = struct.pack("<H", 12000)
    return {
        "x.png": png(12000, 12000),
        "x.jpg": stretched(jpeg, struct.pack(">HH", 1000, 1001), struct.pack(">HH", 12000, 12000)),
        "x.bmp": stretched(bmp, struct.pack("<II", 1001, 1000), struct.pack("<II", 12000, 12000)),
        "x.tif": stretched(
            stretched(tif, b"\0\1\3\0\1\0\0\0" + struct.pack("<H", 1001), b"\0\1\3\0\1\0\0\0" + side),
            b"\1\1\3\0\1\0\0\0" + struct.pack("<H", 1000),
            b"\1\1\3\0\1\0\0\0" + side,
        ),
        "x.webp": stretched(webp, struct.pack("<HH", 1001, 1000), side + side),
        "anim.webp": animated(12000, 12000),
    }


def animated(width: int, height: int) -> bytes:
    """A WebP of one small frame on a canvas of this size."""
    frame = cv2.imencode(".webp", np.zeros((2, 2, 3), np.uint8))[1].tobytes()[12:]
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    body = bytes(6) + (1).to_bytes(3, "little") * 2 + bytes(4) + frame
    chunks = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + sides + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    chunks += b"ANMF" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


READ_ALL = """
import sys
from pathlib import Path
from maskwatch.camera.files import pictures
from maskwatch.errors import SourceError
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        print(path.name, pictures.read(path).shape)
    except SourceError as error:
        print(path.name, str(error).partition(": ")[2])
"""


def test_a_picture_of_too_many_pixels_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    for name, content in bombs().items():
        (tmp_path / name).write_bytes(content)
    said, _, memory = in_a_process(READ_ALL, str(tmp_path))
    assert len(said.splitlines()) == 6
    for line in said.splitlines():
        assert "more than 50000000 pixels (OPENCV_IO_MAX_IMAGE_PIXELS), or a side" in line
    _, _, idle = in_a_process(READ_ALL, str(Path(__file__).parents[1] / "support" / "stand_ins"))
    assert memory - idle < 50


def test_who_needs_larger_pictures_can_say_so(tmp_path: Path) -> None:
    assert os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] == str(maskwatch.MAX_PIXELS)
    (tmp_path / "x.png").write_bytes(png(300, 200))
    assert in_a_process(READ_ALL, str(tmp_path), OPENCV_IO_MAX_IMAGE_PIXELS="60000")[0] == "x.png (200, 300, 3)"
    assert "pixels" in in_a_process(READ_ALL, str(tmp_path), OPENCV_IO_MAX_IMAGE_PIXELS="59999")[0]


def test_a_jpeg_of_a_thousand_scans_is_refused(tmp_path: Path) -> None:
    """Each costs 75 bytes and, at 50 million pixels, 0.1 s."""
    data = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8), odd_pictures.PROGRESSIVE)[1].tobytes()
    last = data.rindex(b"\xff\xda")
    (tmp_path / "x.jpg").write_bytes(data[:last] + data[last:-2] * 1000 + data[-2:])
    with pytest.raises(SourceError, match="more than 100 scans"):
        pictures.read(tmp_path / "x.jpg")
    (tmp_path / "x.jpg").write_bytes(data + b"\xff\xda" * 1000)  # a phone's film behind its picture
    assert pictures.read(tmp_path / "x.jpg").shape == (64, 64, 3)


def test_another_kind_under_a_known_name_is_refused(tmp_path: Path) -> None:
    """cv2 would go by the content, and knows kinds that take minutes over a few bytes."""
    for content in (b"P5 8 8 255\n" + bytes(64), b"GIF89a" + bytes(64), bytes(12) + b"jP  " + bytes(64)):
        (tmp_path / "x.jpg").write_bytes(content)
        with pytest.raises(SourceError, match="not an image that cv2 can decode; expected bmp"):
            pictures.read(tmp_path / "x.jpg")


FUZZ = "import json, odd_pictures; print(json.dumps(odd_pictures.try_all(600)))"


def test_damaged_pictures_are_read_or_refused_quickly_and_in_little_memory() -> None:
    said, seconds, _ = in_a_process(FUZZ)
    figures = json.loads(said)
    assert figures["read"] > 50
    assert figures["refused"] > 50
    assert figures["unprintable"] == 0
    assert figures["slowest_s"] < 5
    assert figures["memory_mb"] < 100
    assert seconds < 30


# -- how far it is ----------------------------------------------------------------------------------------------------


class Screen:
    """A terminal, or not one."""

    def __init__(self, terminal: bool) -> None:
        self.terminal, self.said = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.said += text

    def flush(self) -> None:
        """Nothing is kept back."""


def test_long_work_tells_how_far_it_is_on_a_terminal_and_wipes_it() -> None:
    now, screen = [0.0], Screen(terminal=True)
    progress = Progress(8000, screen, lambda: now[0])  # type: ignore[arg-type]
    for _ in range(400):
        now[0] += 0.1
        progress.step()
    assert screen.said.split(ERASE)[1:3] == ["5 of 8000, 13 min left", "11 of 8000, 13 min left"]
    progress.clear()
    progress.clear()
    assert screen.said.endswith(ERASE)
    assert screen.said.count(ERASE) > 70


def test_nothing_of_it_goes_into_a_pipe() -> None:
    now, screen = [0.0], Screen(terminal=False)
    progress = Progress(8000, screen, lambda: now[0])  # type: ignore[arg-type]
    for _ in range(400):
        now[0] += 1
        progress.step()
    progress.clear()
    assert screen.said == ""
