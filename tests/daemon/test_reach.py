"""From how far faces are found: the camera's angle, the part of the frame, and the record beside the model."""

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from needed import BUNDLES
from reaches import known, rows

from maskwatch import config
from maskwatch.camera import lenses
from maskwatch.cli import check
from maskwatch.config import Settings
from maskwatch.daemon import looking, reach
from maskwatch.daemon.looking import Region
from maskwatch.daemon.reach import FACE, Eye
from maskwatch.vision import bundle, recall
from maskwatch.vision.recall import Recall, Sized, crossing, rising

WHOLE = Region(0, 0, 1280, 720)
HATCH = ((0.45, 0.4), (0.55, 0.4), (0.55, 0.6), (0.45, 0.6))


def test_a_face_at_the_distance_told_is_as_large_as_it_says() -> None:
    eye = Eye(1280, 720, WHOLE, 320)
    far = eye.distance(80, 66.0)
    shown = 2 * math.degrees(math.atan(FACE / 2 / far))  # degrees, of the face in the middle
    assert math.tan(math.radians(shown / 2)) / math.tan(math.radians(33)) * 1280 == pytest.approx(80)
    assert eye.distance(40, 66.0) == pytest.approx(2 * far)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_turning_the_camera_brings_nobody_nearer(rotation: int) -> None:
    size = (720, 1280) if rotation in (90, 270) else (1280, 720)
    assert Eye(*size, Region(0, 0, *size), 320, rotation).distance(80, 66.0) == Eye(1280, 720, WHOLE, 320).distance(
        80, 66
    )


def test_the_smallest_face_grows_as_the_frame_is_shrunk() -> None:
    middle = math.sqrt(16 * 32)  # of the size that three of four are found of
    assert known().smallest_found(0.75, 1.0) == pytest.approx(middle)
    assert known().smallest_found(0.75, 0.25) == pytest.approx(4 * middle)
    assert known().smallest_found(0.5, 1.0) == pytest.approx(16)  # halfway between two sizes, by their logarithm
    assert known().smallest_found(0.75, 0.25) > known().smallest_found(0.5, 0.25)  # type: ignore[operator]


def test_what_no_size_reaches_is_told_as_such() -> None:
    assert known().smallest_found(1.01, 1.0) is None
    assert recall.crossing([10, 20], [0.9, 1.0], 0.5) == 10  # of smaller faces nothing is known


def test_enlarged_frames_have_their_own_rows_and_none_is_made_up() -> None:
    enlarged = known(*rows(2.0, 0.75, 0.9, 1.0))
    assert enlarged.smallest_found(0.75, 2.0) == pytest.approx(math.sqrt(8 * 16))
    assert enlarged.smallest_found(0.75, 5.0) == enlarged.smallest_found(0.75, 2.0)
    assert enlarged.smallest_found(0.75, 1.7) == enlarged.smallest_found(
        0.75, 1.0
    )  # cautious: of 1.7 nothing was measured


def test_a_few_faces_tell_nothing() -> None:
    unlucky = Sized(enlarged=1.0, least=64.0, below=128.0, faces=recall.FEWEST - 1, found=0)
    assert known(unlucky).smallest_found(0.95, 1.0) == known().smallest_found(0.95, 1.0) is not None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=12))
def test_shares_are_made_to_rise_and_their_sum_stays(counts: list[tuple[int, int]]) -> None:
    values, weights = [min(1.0, found / faces) for found, faces in counts], [faces for _, faces in counts]
    made = rising(values, weights)
    assert all(one <= other + 1e-12 for one, other in pairwise(made))
    assert sum(map(math.prod, zip(made, weights, strict=True))) == pytest.approx(
        sum(map(math.prod, zip(values, weights, strict=True)))
    )
    reached = crossing([float(at + 1) for at in range(len(made))], made, 0.5)
    assert (reached is None) == (made[-1] < 0.5)


@pytest.mark.parametrize(
    ("model", "degrees"),
    [
        ("imx708", 66.0),
        ("imx708_noir", 66.0),
        ("imx708_wide", 102.0),
        ("imx708_wide_noir", 102.0),
        ("imx219", 62.2),
        ("ov5647", 53.5),
        ("imx500", 66.0),
        ("imx477", None),  # its lens is bought apart
        ("imx296", None),
        ("", None),
    ],
)
def test_a_module_with_a_lens_of_its_own_is_known_by_its_sensor(model: str, degrees: float | None) -> None:
    lens = lenses.of_sensor(model)
    assert (lens.degrees if lens else None) == degrees


def test_half_of_a_sensor_sees_less_than_its_angle_and_more_than_half_of_it() -> None:
    assert lenses.narrowed(66.0, 1.0) == pytest.approx(66.0)
    assert 33.0 < lenses.narrowed(66.0, 0.5) < 36.1
    lens = lenses.LENSES[0]
    assert lenses.field_of_view(f"ov5647, fixed-focus lens, {lenses.across(lens, 1.0)}") == pytest.approx(
        lens.degrees, abs=0.5
    )
    assert lenses.field_of_view("HD Webcam, MJPG") is None


def line(min_size: float = 0.0, asked: bool = False, part: Region = WHOLE, degrees: float | None = 66.0) -> str:
    return reach.sentence(reach.of(known(), Eye(1280, 720, part, 320), min_size, degrees), asked)


def test_the_line_tells_metres_where_the_angle_is_known_and_pixels_where_not() -> None:
    focal = 640 / math.tan(math.radians(33))
    near, far = focal * FACE / (4 * math.sqrt(512)), focal * FACE / 64
    assert line().startswith(f"faces are found up to about {near:.1f} m (91 pixels wide there; ")
    assert line().endswith(f"half of them up to {far:.1f} m")
    assert line(degrees=None).startswith("faces are found from 91 pixels of width on")
    assert "field_of_view" in line(degrees=None)


def test_the_line_tells_where_the_finder_looks() -> None:
    part = looking.region(HATCH, 1280, 720, 320)
    assert line(part=part).endswith(", in the 540x540 pixels around the zone")
    assert "(38 pixels wide there; " in line(part=part)
    assert "zone" not in line()


@pytest.mark.parametrize(
    ("min_size", "asked", "says"),
    [
        (16, False, ""),  # the default promises nothing
        (16, True, "is too small: below 64 pixels the finder misses more than half"),
        (0, True, ""),
        (70, True, ""),  # between half and three of four
        (92, True, ""),  # a difference that nobody would see
        (181, True, "hides faces that would be found, up to 1.5 m"),
        (181, False, "hides faces that would be found, up to 1.5 m"),
    ],
)
def test_a_min_size_that_hides_or_promises_too_much_is_told(min_size: float, asked: bool, says: str) -> None:
    told = line(min_size, asked).partition("; face.min_size")[2]
    assert says in told
    assert bool(told) == bool(says)


def test_the_usual_min_size_written_out_is_told_as_if_it_were_not_written() -> None:
    """`maskwatch install` copies a config that names every key."""
    seen = check.Seen("x", True, 640, 480, "")
    told = {
        size: check._reach(config.Settings.model_validate({"face": face}), seen)
        for size, face in {"none": {}, "usual": {"min_size": 16.0}, "another": {"min_size": 4.0}}.items()
    }
    assert told["usual"] == told["none"]
    assert "face.min_size = 4 is too small" in told["another"]


def test_who_is_hidden_by_min_size_is_not_promised() -> None:
    assert line(min_size=181.02).startswith("faces are found up to about 0.8 m (181 pixels wide there; ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no face.reach.json lies beside the model"),
        ("{", "face.reach.json cannot be used (it was not written by `python -m training reach`)"),
        (known(sha256="y").model_dump_json(), "face.reach.json is of another model"),
    ],
)
def test_without_a_record_of_this_very_model_nothing_is_told(tmp_path: Path, content: str | None, says: str) -> None:
    if content:
        (tmp_path / "face.reach.json").write_text(content)
    assert recall.read(tmp_path / "face.tflite", "x") == says
    (tmp_path / "face.reach.json").write_text(known().model_dump_json())
    assert recall.read(tmp_path / "face.tflite", "x") == known()


@BUNDLES
def test_the_shipped_finder_has_its_record() -> None:
    path = bundle.default_path("face")
    found = recall.read(path, bundle.read(path, "face").sha256)
    assert isinstance(found, Recall), f"{found}; make reach SCENES=…"
    assert found.part == "validation"
    for enlarged in (1.0, 2.0):
        assert found.smallest_found(reach.OFTEN, enlarged) is not None


@BUNDLES
@pytest.mark.parametrize(
    ("text", "seen", "says"),
    [
        ("", check.Seen("picamera:0", True, 1280, 720, "imx708, autofocus lens, sees 66° across"), " m ("),
        ("", check.Seen("v4l2:/dev/video0", True, 1280, 720, "HD Webcam"), "field_of_view"),
        ("camera.field_of_view = 70.0", check.Seen("v4l2:/dev/video0", True, 1280, 720, "HD Webcam"), " m ("),
        ("face.engine = 'yunet'\nface.model = 'y.onnx'", check.Seen("x", True, 1280, 720, ""), "not known"),
    ],
)
def test_check_tells_it_of_the_camera_that_is_there(tmp_path: Path, text: str, seen: check.Seen, says: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    assert says in check._reach(config.load(tmp_path / "config.toml", {}), seen)


@BUNDLES
def test_check_says_why_it_knows_nothing_of_a_model_of_your_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    path.write_bytes(bundle.default_path("face").read_bytes())
    settings = Settings.model_validate({"face": {"model": str(path)}})
    told = check._reach(settings, check.Seen("x", True, 1280, 720, ""))
    assert told == (
        "not known how small a face this model finds: no mine.reach.json lies beside the model; "
        "`python -m training reach` writes one"
    )


def test_the_record_is_what_its_file_says_and_no_more() -> None:
    content = json.loads(known().model_dump_json())
    with pytest.raises(ValueError, match="part"):
        Recall.model_validate(content | {"part": "test"})
