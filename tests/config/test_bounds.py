"""No accepted value makes the unit mute, endlessly loud or useless: it is refused with the reason, or 0 means never."""

import math
import re
from pathlib import Path

import pytest
from config_fields import FIELDS
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from maskwatch import config
from maskwatch.config.settings_file import Place
from maskwatch.config.times_of_day import awake
from maskwatch.config.zone_area import NARROWEST, enclosing, mean_width, touches_itself
from maskwatch.errors import ConfigError
from maskwatch.presence.zone import inside

PINS = "[outputs.buzzer]\npin = 17\n"


def loaded(tmp_path: Path, text: str) -> config.Settings:
    path = tmp_path / "x.toml"
    path.write_text(text)
    return config.load(path, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # mute for everybody
        ("[face]\nmin_size = inf", "face.min_size: found inf"),
        ("[face]\nmin_size = 5000", "expected less than or equal to 1000"),
        ("[face]\nmin_score = 1", "less than or equal to 0.95"),
        ("[power]\nmax_fps = 1e-9", "greater than or equal to 0.2"),
        ("[opinion]\nforget = 0", "greater than or equal to 0.2"),
        ("[opinion]\ntime_constant = 60", "less than or equal to 10"),
        ("[opinion]\nrecheck = 3600", "less than or equal to 10"),
        ("[opinion]\nmotionless = 1", "found 1, expected 60 to 86400 seconds, or 0 for never"),
        ("[alert]\nhigh = 0.95", "less than or equal to 0.9"),
        ("[alert]\nhold = 3600", "less than or equal to 30"),
        ("[alert]\ncooldown = 3600", "less than or equal to 600"),
        ("[alert]\nlongest = 0.01", "found 0.01, expected 1 to 3600 seconds, or 0 for never"),
        ("[buttons.mute]\npin = 5\nlasts = 86400", "less than or equal to 14400"),
        ("[buttons.mute]\npin = 5\nlasts = 1e-9", "greater than or equal to 1"),
        # no camera, or one that is opened again and again
        ("[camera]\nstall = 1e-9", "greater than or equal to 0.2"),
        ("[camera]\nstall = 3600", "less than or equal to 60"),
        ("[camera]\nfrozen = 1e-9", "found 1e-09, expected 0.1 to 600 seconds, or 0 for never"),
        ("[camera]\ndark = 1e-9", "found 1e-09, expected 0.1 to 3600 seconds, or 0 for never"),
        ("[camera]\ngive_up = 1e-9", "found 1e-09, expected 0.1 to 3600 seconds, or 0 for never"),
        ("[camera]\nfps = 1e-9", "greater than or equal to 0.2"),
        ("[camera]\nexposure = 1e-9", "greater than or equal to 0.01"),
        ("[outputs]\ngive_up = 1e-9", "found 1e-09, expected 1 to 3600 seconds, or 0 for never"),
        # loud for everybody, or for ever
        ("[face]\nmin_score = 0", "greater than or equal to 0.05"),
        ("[alert]\nhigh = 0\nlow = 0", "greater than or equal to 0.1"),
        ("[alert]\nlow = 0.05", "greater than or equal to 0.1"),
        ("[alert]\nclear = 0", "greater than or equal to 0.2"),
        ("[alert]\nclear = 3600", "less than or equal to 60"),
        # nothing to be heard or seen
        ("[outputs.led]\npin = 5\npattern = { on = 60, every = 3600 }", "on = 60, every = 3600 is hardly noticed"),
        ("[outputs.led]\npin = 5\npattern = { on = 0.02, every = 1 }", "on = 0.02, every = 1 is hardly noticed"),
        ("[outputs.led]\npin = 5\npattern = { on = 1e-9, every = 1 }", "greater than or equal to 0.01"),
        ("[outputs.relay]\npin = 5\npattern = { on = 3, every = 3600 }", "on = 3, every = 3600 is hardly noticed"),
        ("[outputs.lamp]\nred = 5\ngreen = 6\npattern = { on = 3, every = 3600 }", "hardly noticed"),
        # quiet hours that are all day, or nobody knows which
        ("[alert]\nquiet = [{ since = '22:00', until = '22:00' }]", "since and until are both 22:00"),
        ("[alert]\nquiet = [{ since = '24:00', until = '0:00' }]", "since and until are both 00:00"),
        ("[alert]\nquiet = [{ since = '00:00', until = '23:59' }]", "the quiet hours leave 1 minutes of the day"),
        (
            "[alert]\nquiet = [{ since = '06:00', until = '18:00' }, { since = '18:00', until = '06:00' }]",
            "the quiet hours leave 0 minutes of the day",
        ),
        (
            "[alert]\nquiet = [" + "{ since = '22:00', until = '23:00' },\n" * 51 + "]",
            "51 windows; expected 50",
        ),
        # zones
        ("[zone]\npolygon = [[0, 0], [0.5, 0.5], [1, 1]]", "zone.polygon: its outline touches or crosses itself"),
        ("[zone]\npolygon = [[0, 0], [0, 0], [0, 0]]", "0 corners enclose nothing"),
        ("[zone]\npolygon = [[0, 0], [1, 0], [1, 0], [0, 0]]", "2 corners enclose nothing"),
        ("[zone]\npolygon = [[0, 0], [1, 1], [1, 0], [0, 1]]", "touches or crosses itself"),
        ("[zone]\npolygon = [[0, 0], [1, 0], [0.5, 0], [0.5, 1]]", "touches or crosses itself"),
        ("[zone]\npolygon = [[0, 0], [0.4, 0.4], [0, 1], [1, 1], [0.4, 0.4], [1, 0]]", "touches or crosses itself"),
        ("[zone]\npolygon = [[0, 0.5], [1, 0.5], [1, 0.501]]", "its area is too small"),
        ("[zone]\npolygon = [[0, 0], [0.01, 0], [0.01, 0.01], [0, 0.01]]", "its area is too small"),
        ("[zone]\npolygon = [[nan, 0], [1, 0], [1, 1]]", "zone.polygon[0][0]: found nan"),
        ("[zone]\npolygon = [" + "[0, 0], [1, 1],\n" * 60 + "]", "120 corners; expected 100 at most"),
        # right by themselves, and nothing is seen together: both are named
        (
            "[face]\nmin_size = 400\n[camera]\nheight = 720",
            "face.min_size = 400 is more than half of a frame of camera.width = 1280 and camera.height = 720",
        ),
        (
            "[power]\nmax_fps = 0.5\n[opinion]\ngap = 3",
            "opinion.gap = 3 is less than the 4.0 s that 2 frames take at power.max_fps = 0.5: everybody would be a",
        ),
        (
            '[camera]\nsource = "images:pictures"\nfps = 0.5\n[opinion]\ngap = 3',
            "opinion.gap = 3 is less than the 4.0 s that 2 frames take at camera.fps = 0.5",
        ),
        ("[camera]\nfps = 0.2", "camera.stall = 5 is less than the 10.0 s that 2 frames take at camera.fps = 0.2"),
        ("[camera]\nfps = 0.2\nsource = 'http://cam/snap'", "camera.stall = 5 is less than the 10.0 s that 2 frames"),
        (
            "[camera]\nfps = 0.5\nfrozen = 3",
            "camera.frozen = 3 is less than the 4.0 s that 2 frames take at camera.fps",
        ),
    ],
)
def test_a_value_that_would_silence_the_unit_or_alarm_for_all_is_refused(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[camera]\ngive_up = 0\nfrozen = 0\ndark = 0",
        "[alert]\nlongest = 0\nhold = 0\ncooldown = 0",
        "[opinion]\nmotionless = 0\nrecheck = 0",
        "[face]\nmin_size = 0",
        "[outputs]\ngive_up = 0",
        "[camera]\nfps = 0.2\nstall = 10\nfrozen = 10",
        "[camera]\nfps = 0.2\nsource = 'images:/x'\n[face]\nmin_size = 500",  # a file has its own size and no hurry
        "[camera]\nfps = 0.2\nsource = 'rtsp://cam/1'\n[face]\nmin_size = 500",
        "[outputs.relay]\npin = 5\nwhen = 'masked'\npattern = { on = 3.0, every = 3600.0 }",  # a door's pulse
        "[alert]\nquiet = [{ since = '00:00', until = '12:00' }, { since = '13:00', until = '24:00' }]",
    ],
)
def test_what_is_meant_so_is_taken(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) != loaded(tmp_path, "")


NUMBERS = [place for place, field in FIELDS.items() if re.search(r"float|int", str(field.annotation))]


@pytest.mark.parametrize("place", NUMBERS, ids=".".join)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1.0])
def test_no_number_is_without_bounds(place: Place, value: float) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(FIELDS[place].rebuild_annotation()).validate_python(value, strict=True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("'7:05'", "07:05"), ("22:00:00", "22:00"), ("'22:00:00'", "22:00"), ("'24:00'", "00:00"), ("'06:30'", "06:30")],
)
def test_a_time_of_day_in_any_form_that_has_one_meaning_is_taken(tmp_path: Path, written: str, meant: str) -> None:
    assert (
        loaded(tmp_path, f"[alert]\nquiet = [{{ since = '12:00', until = {written} }}]").alert.quiet[0].until == meant
    )


@pytest.mark.parametrize(
    "written", ["'24:01'", "'25:00'", "'12:60'", "'12'", "22:00:01", "'noon'", "12", "'-1:00'", "'١٢:00'"]
)
def test_another_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match='expected a time of day such as "22:00"'):
        loaded(tmp_path, f"[alert]\nquiet = [{{ since = '12:00', until = {written} }}]")


def test_minutes_awake_are_counted_over_midnight_and_once() -> None:
    assert awake([]) == 24 * 60
    assert awake([("22:00", "06:30"), ("23:00", "01:00")]) == 15 * 60 + 30


@pytest.mark.parametrize(
    "closed",
    [
        ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)),  # as GeoJSON has it
        ((0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),
        ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)),
    ],
)
def test_a_corner_that_repeats_the_one_before_is_one_corner(closed: tuple[tuple[float, float], ...]) -> None:
    assert set(enclosing(closed)) == {(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)}
    assert len(enclosing(closed)) == 3


@pytest.mark.parametrize(
    ("corners", "touches"),
    [
        (((0, 0), (1, 0), (1, 1), (0, 1)), False),
        (((0, 0), (0.5, 0), (1, 0), (1, 1), (0, 1)), False),  # a corner on a straight side
        (((0, 0), (1, 0), (0.5, 0.5), (1, 1), (0, 1)), False),  # a notch
        (((0, 0), (1, 0), (0.0, 0.5), (1, 1), (0, 1)), True),  # that reaches the other side
        (((0, 0), (1, 0), (1, 1), (0.5, 1), (0.5, 0.2), (0.5, 1), (0, 1)), True),  # there and back
    ],
)
def test_an_outline_that_touches_itself_is_known(corners: tuple[tuple[float, float], ...], touches: bool) -> None:
    assert touches_itself(corners) is touches
    assert touches_itself(corners[::-1]) is touches
    assert touches_itself(corners[2:] + corners[:2]) is touches


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6).map(tuple))
def test_every_zone_that_is_taken_has_an_inside(corners: tuple[tuple[float, float], ...]) -> None:
    try:
        kept = enclosing(corners)
    except ValueError:
        return
    assert mean_width(kept) >= NARROWEST
    grid = [
        (across / 199 * 0.999 + 0.0005, down / 199 * 0.999 + 0.0005) for across in range(200) for down in range(200)
    ]
    assert any(inside(point, kept) for point in grid)
