"""[face] reach chooses between the two finders in the package."""

from pathlib import Path

import pytest
from needed import BUNDLES
from reaches import known

from maskwatch import config
from maskwatch.cli import check
from maskwatch.config import FaceSettings, MaskSettings, Settings
from maskwatch.daemon import parts
from maskwatch.errors import ConfigError, ModelError
from maskwatch.vision import bundle, recall
from maskwatch.vision.foreign import trust

pytestmark = BUNDLES


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models as they ship, and a far finder: the near one under another name, so that its bytes are others."""
    near = bundle.read(bundle.default_path("face"), "face")
    for task in bundle.TASKS:
        (tmp_path / f"{task}.tflite").write_bytes(bundle.default_path(task).read_bytes())
    bundle.write(tmp_path / "face-far.tflite", near.flatbuffer, near.card.model_copy(update={"name": "far finder"}))

    def shipped(task: str, far: bool = False) -> Path:
        return tmp_path / f"{task}{'-far' * far}.tflite"

    monkeypatch.setattr(bundle, "default_path", shipped)
    monkeypatch.setattr(trust, "attempt", lambda *_: None)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path


def test_the_far_finder_lies_beside_the_near_one() -> None:
    near, far = bundle.default_path("face"), bundle.default_path("face", far=True)
    assert (near.name, far.name, near.parent) == ("face.tflite", "face-far.tflite", far.parent)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (FaceSettings(), "face.tflite"),
        (FaceSettings(reach="near"), "face.tflite"),
        (FaceSettings(reach="far"), "face-far.tflite"),
        (FaceSettings(model="/srv/mine.tflite"), "mine.tflite"),
        (MaskSettings(), "mask.tflite"),
    ],
)
def test_the_settings_name_the_file(settings: FaceSettings | MaskSettings, name: str) -> None:
    assert parts.model_path(settings, "mask" if isinstance(settings, MaskSettings) else "face").name == name


def test_the_unit_opens_the_far_finder(package: Path) -> None:
    far = FaceSettings(reach="far")
    assert parts.build_finder(far)._origin == str(package / "face-far.tflite")  # type: ignore[attr-defined]
    (package / "face-far.tflite").unlink()
    with pytest.raises(ModelError, match=r"face-far\.tflite: No such file"):
        parts.build_finder(far)
    parts.build_finder(FaceSettings())


class Clock:
    """Goes on as finders find."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_check_says_how_much_longer_the_far_finder_takes_on_this_board(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    seconds = {"face.tflite": [0.5, 0.02, 0.03], "face-far.tflite": [0.4, 0.09, 0.08]}  # others were busy at first

    class Timed:
        def __init__(self, settings: FaceSettings, *_: object) -> None:
            self.left = list(seconds[parts.model_path(settings, "face").name])

        def find(self, _: object) -> None:
            clock.now += self.left.pop(0)

    monkeypatch.setattr(check, "time", clock)
    monkeypatch.setattr(parts, "build_finder", Timed)
    far, near = (check._face_model(Settings.model_validate({"face": {"reach": reach}})) for reach in ("far", "near"))
    assert far.endswith('80 ms on an empty frame, 4.0 times as long as reach = "near" takes here')
    assert near.endswith("20 ms on an empty frame")


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("reach", ["near", "far"])
def test_check_tells_metres_by_the_record_of_the_finder_that_is_chosen(reach: str) -> None:
    path = bundle.default_path("face", far=reach == "far")
    recall.beside(path).write_text(known(sha256=bundle.read(path, "face").sha256).model_dump_json())
    seen = check.Seen("picamera:0", True, 1280, 720, "imx708, autofocus lens, sees 66° across")
    for chosen in ("near", "far"):
        line = check._reach(Settings.model_validate({"face": {"reach": chosen}}), seen)
        assert line.startswith("faces are found up to" if chosen == reach else "not known")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[face]\nreach = 'far'\nmodel = 'mine.tflite'", 'reach "far" is for the bundles in the package'),
        ("[face]\nreach = 'far'\nengine = 'yunet'\nmodel = 'y.onnx'", 'reach "far" is for the bundles in the package'),
        ("[face]\nreach = 'middle'", "face.reach: found 'middle'"),
    ],
)
def test_reach_that_means_nothing_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path / "x.toml", {})
    assert says in str(caught.value)
