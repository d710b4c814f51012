"""A model comes with its card or not at all: what was packed is read back, and anything else is refused in one line."""

import contextlib
import io
import json
import math
import os
import re
import socket
import struct
import subprocess
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cards import card

from convert import seal
from maskwatch.errors import ModelError
from maskwatch.flow import Label
from maskwatch.vision import bundle, preprocess
from maskwatch.vision.model_card import ModelCard, Task

FLATBUFFER = b"\x1c\0\0\0TFL3" + bytes(range(200))  # what read looks at; no interpreter is needed


def zipped(flatbuffer: bytes = FLATBUFFER, **texts: str) -> bytes:
    """A bundle made by hand, its archive's files given: labels, model_card, and sums if not those of the two."""
    files = {name: texts[key].encode() for key, name in FILES.items() if key in texts}
    if len(files) == 2:
        files[bundle.SUMS_FILE] = bundle.sums(*files.values())
    return archived(flatbuffer, files)


def archived(flatbuffer: bytes, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Any archive behind a flatbuffer."""
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unsealed(flatbuffer: bytes = FLATBUFFER) -> bytes:
    """A bundle as it was made before its card had a hash."""
    return archived(flatbuffer, {bundle.LABELS_FILE: LABELS.encode(), bundle.CARD_FILE: packed_card().encode()})


def packed_card() -> str:
    with zipfile.ZipFile(io.BytesIO(bundle.pack(FLATBUFFER, card()))) as archive:
        return archive.read(bundle.CARD_FILE).decode()


FILES = {"labels": bundle.LABELS_FILE, "model_card": bundle.CARD_FILE, "sums": bundle.SUMS_FILE}
LABELS = "with_mask\nwithout_mask\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models" / "mask.tflite"


def refusal(path: Path, data: bytes, task: Task = "mask") -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        bundle.read(path, task)
    message = str(caught.value)
    assert message.startswith(f"model {path}: ")
    assert message.endswith(bundle.REBUILD)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("task", ["mask", "face"])
def test_what_was_written_is_read_back(path: Path, task: Task) -> None:
    path.parent.mkdir()
    bundle.write(path, FLATBUFFER, card(task, temperature=1.5, bias=-0.25))
    found = bundle.read(path, task)
    assert (found.flatbuffer, found.origin) == (FLATBUFFER, str(path))
    assert found.card.model_copy(update={"sha256": ""}) == card(task, temperature=1.5, bias=-0.25)


def test_a_third_class_is_written_and_read_back_in_its_place(path: Path) -> None:
    path.parent.mkdir()
    bundle.write(path, FLATBUFFER, card(labels=tuple(Label)))
    assert bundle.read(path, "mask").card.labels == ("with_mask", "without_mask", "mask_weared_incorrect")


def test_a_bundle_is_a_tflite_file_followed_by_an_archive_any_tool_opens() -> None:
    data = bundle.pack(FLATBUFFER, card())
    assert data.startswith(FLATBUFFER)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt") == LABELS.encode()


def test_a_card_without_a_bias_as_older_bundles_have_moves_nothing() -> None:
    assert (
        ModelCard.model_validate({key: value for key, value in card().model_dump().items() if key != "bias"}).bias == 0
    )


def test_a_bundle_is_told_from_a_plain_tflite_file() -> None:
    crowded = card(metrics={f"figure {number}": number for number in range(2000)})  # a long card
    assert bundle.is_bundle(bundle.pack(FLATBUFFER, card()))
    assert bundle.is_bundle(bundle.pack(FLATBUFFER, crowded))
    assert not bundle.is_bundle(FLATBUFFER)
    assert not bundle.is_bundle(b"")


def test_the_same_model_gives_the_same_bytes_whenever_it_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    today = bundle.pack(FLATBUFFER, card())
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert bundle.pack(FLATBUFFER, card()) == today


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: b"", "not a TFLite file"),
        (lambda: b"PK\3\4" + bytes(300), "not a TFLite file"),
        (lambda: FLATBUFFER, "no model card inside"),
        (lambda: zipped(labels=LABELS), "no model card inside"),
        (lambda: zipped(model_card=packed_card()), "no model card inside"),
        (lambda: zipped(labels=LABELS, model_card="{}"), "its model card is unreadable"),
        (lambda: zipped(labels=LABELS, model_card=packed_card()[:-2]), "its model card is unreadable"),
        (
            lambda: zipped(labels=LABELS, model_card=packed_card().replace('"name"', '"surprise": 1, "name"')),
            "unreadable",
        ),
        (lambda: zipped(labels=LABELS, model_card=packed_card().replace('"format": 1', '"format": 2')), "unreadable"),
        (
            lambda: zipped(labels="without_mask\nwith_mask\n", model_card=packed_card()),
            "labels.txt says ('without_mask",
        ),
        (
            lambda: zipped(labels=LABELS, model_card=packed_card(), sums=""),
            "altered or damaged (labels or card are not those of its hashes)",
        ),
        (lambda: unsealed(), "altered or damaged (no SHA256SUMS inside, as an older maskwatch wrote it: run"),
        (lambda: zipped(FLATBUFFER + b"!", labels=LABELS, model_card=packed_card()), "altered or damaged, its SHA-256"),
        (lambda: bundle.pack(FLATBUFFER, card("face")), "made for task 'face', expected 'mask'"),
        (
            lambda: bundle.pack(FLATBUFFER, card(preprocess_version=preprocess.VERSION + 1)),
            f"made for preprocess version {preprocess.VERSION + 1}, this maskwatch has {preprocess.VERSION}",
        ),
    ],
)
def test_what_is_not_this_models_bundle_is_refused(path: Path, make: Callable[[], bytes], expected: str) -> None:
    assert expected in refusal(path, make())


def test_the_bundle_made_by_hand_would_do_if_nothing_were_wrong(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(zipped(labels=LABELS, model_card=packed_card()))
    assert bundle.read(path, "mask").flatbuffer == FLATBUFFER


@pytest.mark.parametrize("missing", ["gone.tflite", ""])  # "": a folder
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ModelError, match=rf"^model {re.escape(str(tmp_path / missing))}: .*convert`$"):
        bundle.read(tmp_path / missing, "mask")


def test_a_bundle_cut_short_anywhere_is_refused(path: Path) -> None:
    data = bundle.pack(FLATBUFFER, card())
    for length in [*range(0, len(data), 7), *range(len(data) - 30, len(data))]:
        assert str(path) in refusal(path, data[:length])


def test_one_byte_altered_anywhere_in_the_model_is_refused(path: Path) -> None:
    data = bundle.pack(FLATBUFFER, card())
    for place in range(len(FLATBUFFER)):
        message = refusal(path, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert ("not a TFLite file" if 4 <= place < 8 else "altered or damaged, its SHA-256") in message


def test_one_byte_altered_anywhere_in_the_card_is_refused(path: Path) -> None:
    data, text = bundle.pack(FLATBUFFER, card()), packed_card().encode()
    start = data.index(text)
    for place in range(start, start + len(text)):
        assert str(path) in refusal(path, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def test_writing_replaces_the_old_bundle_and_leaves_nothing_else(path: Path) -> None:
    path.parent.mkdir()
    bundle.write(path, FLATBUFFER, card(name="old"))
    bundle.write(path, FLATBUFFER, card(name="new"))
    assert bundle.read(path, "mask").card.name == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full_leaves_the_old_bundle_and_nothing_else(path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits are set the POSIX way")
    path.parent.mkdir()
    bundle.write(path, FLATBUFFER, card())
    old, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # bytes a file may have: binds root too
    try:
        with pytest.raises(OSError, match="File too large"):
            bundle.write(path, FLATBUFFER[::-1], card())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_in_the_way_is_left_alone(path: Path) -> None:
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        bundle.write(path, FLATBUFFER, card())
    assert list(path.parent.iterdir()) == [path]


def test_a_bundle_damaged_anywhere_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    whole, path, messages = bundle.pack(FLATBUFFER, card()), tmp_path / "mask.tflite", []
    for place in range(len(FLATBUFFER), len(whole)):
        for value in (0, 1, 8, 12, 14, 255):
            try:
                bundle.verified(whole[:place] + bytes([value]) + whole[place + 1 :], path, "mask")
            except ModelError as error:
                messages.append(str(error))
    assert messages
    assert all(message.startswith(f"model {path}: ") and "\n" not in message for message in messages)


# -- hostile files --------------------------------------------------------------------------------------------------


def test_a_card_changed_without_its_hash_is_refused(path: Path) -> None:
    """As an editor of archives would change it: the archive's own checksums are right again."""
    with zipfile.ZipFile(io.BytesIO(bundle.pack(FLATBUFFER, card()))) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    moved = files[bundle.CARD_FILE].replace(b'"bias": 0.0', b'"bias": 3.0')
    assert moved != files[bundle.CARD_FILE]
    message = refusal(path, archived(FLATBUFFER, files | {bundle.CARD_FILE: moved}))
    assert "altered or damaged (labels or card are not those of its hashes)" in message


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", [bundle.LABELS_FILE, bundle.CARD_FILE, bundle.SUMS_FILE, "more"])
def test_an_archive_that_would_grow_is_not_inflated(path: Path, compression: int, name: str) -> None:
    files = {bundle.LABELS_FILE: LABELS.encode(), bundle.CARD_FILE: packed_card().encode(), name: bytes(8 << 20)}
    bomb = archived(FLATBUFFER, files, compression)
    assert len(bomb) < 50_000
    tracemalloc.start()
    try:
        assert "no model card inside" in refusal(path, bomb)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_an_archive_larger_than_any_of_ours_is_not_read(path: Path) -> None:
    many = {f"{number}": b"" for number in range(20_000)}
    files = many | {bundle.LABELS_FILE: LABELS.encode(), bundle.CARD_FILE: packed_card().encode()}
    assert "no model card inside" in refusal(path, archived(FLATBUFFER, files))
    long = zipped(labels=LABELS, model_card=packed_card() + " " * bundle.MAX_ARCHIVE)
    assert "no model card inside" in refusal(path, long)


def test_sizes_that_lie_are_believed_no_further_than_the_file_reaches(path: Path) -> None:
    whole = bundle.pack(FLATBUFFER, card())
    for at in range(len(whole) - 250, len(whole) - 3):  # in the archive's directory
        for size in (0xFFFF_FFFE, 0x7FFF_FFFF, 0):
            data = whole[:at] + struct.pack("<I", size) + whole[at + 4 :]
            with contextlib.suppress(ModelError):
                assert bundle.verified(data, path, "mask").flatbuffer == FLATBUFFER


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ('"bias": NaN', "bias: found nan"),
        ('"bias": -100', "bias: found -100"),
        ('"bias": 1e400', "bias: found inf"),
        ('"bias": "none"', "bias: found 'none'"),
        ('"margin": 1000', "margin: found 1000"),
        ('"margin": -0.1', "margin: found -0.1"),
        ('"margin": NaN', "margin: found nan"),
        ('"temperature": 0', "temperature: found 0"),
        ('"temperature": -1', "temperature: found -1"),
        ('"temperature": Infinity', "temperature: found inf"),
        ('"temperature": 1e-30', "temperature: found 1e-30"),
        ('"temperature": 1e30', "temperature: found 1e+30"),
        ('"score_threshold": 0', "score_threshold: found 0"),
        ('"score_threshold": 1', "score_threshold: found 1"),
        ('"score_threshold": NaN', "score_threshold: found nan"),
        ('"input_size": 0', "input_size: found 0"),
        ('"input_size": 1000000', "input_size: found 1000000"),
        (f'"input_size": {"9" * 5000}', "it is not JSON"),
        ('"labels": []', "labels: found"),
        (f'"labels": {["a"] * 17}'.replace("'", '"'), "labels: found"),
        ('"labels": ["with_mask", "two words"]', "labels[1]: found"),
        ('"labels": ["with_mask", "\\u001b[2J"]', "labels[1]: found"),
        ('"name": ""', "name: found"),
        ('"name": "two\\nlines"', "name: found"),
        (f'"name": "{"x" * 101}"', "name: found"),
        ('"sha256": "0"', "sha256: found"),
        ('"preprocess_version": -1', "preprocess_version: found"),
        (f'"metrics": {"[" * 5000}', "it is not JSON"),
        ('"surprise": 1', "surprise: unknown key"),
    ],
)
def test_a_card_with_a_value_out_of_bounds_is_refused_by_its_name(path: Path, values: str, complaint: str) -> None:
    """Sealed with right hashes: who made the model may have slipped."""
    name = values.partition(":")[0]
    text = json.dumps({key: value for key, value in json.loads(packed_card()).items() if f'"{key}"' != name})
    message = refusal(path, zipped(labels=LABELS, model_card=f"{text[:-1]}, {values}}}"))
    assert f"its model card is unreadable ({complaint}" in message
    assert len(message) < 400


@pytest.mark.parametrize(
    "fields", [{"temperature": math.exp(-3)}, {"temperature": math.exp(3)}, {"bias": -5.0}, {"bias": 5.0}]
)
def test_what_training_may_fit_at_its_extremes_is_within_the_cards_bounds(fields: dict[str, float]) -> None:
    assert card(**fields).model_dump().items() >= fields.items()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "socket", "endless", "nul"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mask.tflite"
    with contextlib.ExitStack() as opened:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "socket":
            opened.enter_context(socket.socket(socket.AF_UNIX)).bind(str(path))
        elif kind == "nul":
            path = tmp_path / "mask\0.tflite"
        else:
            path.symlink_to("/dev/zero" if kind == "endless" else "/dev/null")
        with pytest.raises(ModelError, match=r"regular file|NUL") as caught:
            bundle.read(path, "mask")
    assert "\n" not in str(caught.value)


def test_a_file_larger_than_any_model_is_not_read(path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as file:
        file.write(FLATBUFFER)
        file.truncate(3 << 30)  # takes no room
    with pytest.raises(ModelError, match=rf"3221225472 bytes, expected {bundle.MAX_FILE} at most"):
        bundle.read(path, "mask")


# -- bundles made before there were hashes of the card --------------------------------------------------------------


def test_an_older_bundle_is_sealed_with_its_bytes_as_they_were(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(unsealed())
    assert seal.seal(path)
    after = bundle.unpack(path.read_bytes(), path)
    assert after.flatbuffer == FLATBUFFER
    assert (after.files[bundle.LABELS_FILE], after.files[bundle.CARD_FILE]) == (LABELS.encode(), packed_card().encode())
    assert bundle.read(path, "mask").card.bias == 0
    sealed = path.read_bytes()
    assert not seal.seal(path)
    assert path.read_bytes() == sealed == bundle.pack(FLATBUFFER, card())


def test_a_bundle_of_an_altered_model_is_not_sealed(path: Path) -> None:
    path.parent.mkdir()
    data = unsealed(FLATBUFFER[:-1])
    path.write_bytes(data)
    with pytest.raises(ModelError, match="altered or damaged, its SHA-256"):
        seal.seal(path)
    assert path.read_bytes() == data


@pytest.mark.parametrize("task", bundle.TASKS)
def test_what_ships_is_sealed_and_checks_with_the_program_everybody_has(task: Task, tmp_path: Path) -> None:
    contents = bundle.unpack(bundle.default_path(task).read_bytes(), bundle.default_path(task))
    for name, text in contents.files.items():
        (tmp_path / name).write_bytes(text)
    command = ["sha256sum", "--check", "--strict", bundle.SUMS_FILE]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
