"""A model comes with its card or not at all: what was packed is read back, and anything else is refused in one line."""

import io
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from maskwatch import bundle, preprocess
from maskwatch.bundle import ModelCard, Task
from maskwatch.errors import ModelError
from maskwatch.flow import Label

VERDICTS = (Label.WITH_MASK, Label.WITHOUT_MASK)
FLATBUFFER = b"\x1c\0\0\0TFL3" + bytes(range(200))  # what read looks at; no interpreter is needed


def card(task: Task = "mask", **fields: object) -> ModelCard:
    known: dict[str, object] = {
        "name": "mobilenet_v2",
        "task": task,
        "labels": ("face",) if task == "face" else VERDICTS,
        "input_size": 224,
        "preprocess_version": preprocess.VERSION,
        "sha256": "",
        "metrics": {"accuracy": 0.99, "n": 1812},
    }
    return ModelCard.model_validate(known | fields)


def zipped(flatbuffer: bytes = FLATBUFFER, **texts: str) -> bytes:
    """A bundle made by hand, its archive's files given: labels, model_card."""
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, file in (("labels", bundle.LABELS_FILE), ("model_card", bundle.CARD_FILE)):
            if name in texts:
                archive.writestr(file, texts[name])
    return buffer.getvalue()


def packed_card() -> str:
    with zipfile.ZipFile(io.BytesIO(bundle.pack(FLATBUFFER, card()))) as archive:
        return archive.read(bundle.CARD_FILE).decode()


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
        (lambda: zipped(FLATBUFFER + b"!", labels=LABELS, model_card=packed_card()), "altered, its SHA-256"),
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
        refusal(path, data[:length])


def test_one_byte_altered_anywhere_in_the_model_is_refused(path: Path) -> None:
    data = bundle.pack(FLATBUFFER, card())
    for place in range(len(FLATBUFFER)):
        message = refusal(path, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert ("not a TFLite file" if 4 <= place < 8 else "altered, its SHA-256") in message


def test_one_byte_altered_anywhere_in_the_card_is_refused(path: Path) -> None:
    data, text = bundle.pack(FLATBUFFER, card()), packed_card().encode()
    start = data.index(text)
    for place in range(start, start + len(text)):
        refusal(path, data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


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
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                bundle.read(path, "mask")
            except ModelError as error:
                messages.append(str(error))
    assert messages
    assert all(message.startswith(f"model {path}: ") and "\n" not in message for message in messages)
