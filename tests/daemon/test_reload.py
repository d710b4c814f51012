"""SIGHUP: what can change at once does, the rest is named and waits, and a bad file never changes anything."""

import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from maskwatch import config
from maskwatch.config import Settings
from maskwatch.config.effective import flat
from maskwatch.daemon import reload
from maskwatch.errors import ConfigError

BASE = '[camera]\nsource = "demo"\n[outputs.buzzer]\npin = 17\n[buttons.mute]\npin = 23\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "maskwatch.toml"
    path.write_text(BASE)
    return path


def place(key: str) -> tuple[str, ...]:
    return tuple(key.split("."))


def again(file: Path, text: str) -> Settings:
    """The settings in force once the file says `text`, after BASE was."""
    old = config.load(file, {})
    file.write_text(text)
    return reload.reloaded(old, reload.read(file, {}))


@pytest.mark.parametrize(
    ("more", "key", "value"),
    [
        ("[zone]\npolygon = [[0, 0], [1, 0], [1, 1]]", "zone.polygon", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))),
        ("[face]\nmin_size = 40.0", "face.min_size", 40.0),
        ("[opinion]\nforget = 2.0", "opinion.forget", 2.0),
        ("[alert]\nhold = 2.5", "alert.hold", 2.5),
        ("[power]\nmax_fps = 5.0", "power.max_fps", 5.0),
        ("[log]\nlevel = 'debug'", "log.level", "debug"),
    ],
)
def test_what_needs_nothing_opened_changes_at_once(
    file: Path, caplog: pytest.LogCaptureFixture, more: str, key: str, value: object
) -> None:
    caplog.set_level(logging.INFO)
    assert dict(flat(again(file, BASE + more)))[place(key)] == value
    assert caplog.messages == [f"{key} changed: in effect now"]


def test_how_long_a_mute_lasts_changes_at_once_its_pin_does_not(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    mute = again(file, BASE.replace("pin = 23", "pin = 24\nlasts = 60.0")).buttons.mute
    assert mute is not None
    assert (mute.pin, mute.lasts) == (23, 60.0)
    assert caplog.messages == [
        "buttons.mute.pin changed: takes effect at the next start",
        "buttons.mute.lasts changed: in effect now",
    ]


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('source = "demo"', 'source = "picamera:0"', "camera.source"),
        ("pin = 17", "pin = 18", "outputs.buzzer.pin"),
        ("pin = 17", "pin = 17\npattern = 'steady'", "outputs.buzzer.pattern"),
        ("[buttons.mute]\npin = 23\n", "", "buttons.mute"),
        ("[outputs.buzzer]", "[outputs.led]\npin = 5\n[outputs.buzzer]", "outputs.led"),
        ("[outputs.buzzer]", "[face]\nthreads = 4\n[outputs.buzzer]", "face.threads"),
        ("[outputs.buzzer]", "[mask]\nincorrect = 'with_mask'\n[outputs.buzzer]", "mask.incorrect"),
    ],
)
def test_what_is_open_waits_for_the_next_start(
    file: Path, caplog: pytest.LogCaptureFixture, before: str, after: str, key: str
) -> None:
    caplog.set_level(logging.INFO)
    old = config.load(file, {})
    assert again(file, BASE.replace(before, after)) == old
    assert caplog.messages == [f"{key} changed: takes effect at the next start"]


def test_an_output_that_is_gone_waits_too_as_long_as_there_is_another(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    old = config.load(file, {})
    assert again(file, BASE.replace("[outputs.buzzer]", "[outputs.led]")) == old
    assert caplog.messages == [
        "outputs.buzzer changed: takes effect at the next start",
        "outputs.led changed: takes effect at the next start",
    ]


@pytest.mark.parametrize("text", ["", "[camera]\nsource = 'demo'\n[alert]\nhold = 5.0\n"])
def test_a_file_that_lost_every_output_is_refused_unless_the_unit_may_do_without(
    file: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    old = config.load(file, {})
    assert again(file, text) == old
    assert caplog.messages == [f"{config.NO_OUTPUT}; the settings stay as they were"]
    without = reload.reloaded(old, reload.read(file, {}), no_outputs=True)
    assert without.alert == config.load(file, {}).alert


def test_an_unchanged_file_says_so(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    again(file, BASE)
    assert caplog.messages == ["config read again: nothing changed"]


def test_a_mixture_that_contradicts_itself_waits_for_the_next_start(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The new frame is large enough for such faces, but the camera gives the old one until it is opened anew."""
    small = "[camera]\nsource = 'picamera:0'\nwidth = 320\nheight = 240\n[outputs.buzzer]\npin = 17\n"
    file.write_text(small)
    old = config.load(file, {})
    file.write_text(small.replace("320", "1280").replace("240", "720") + "[face]\nmin_size = 200\n")
    assert reload.reloaded(old, reload.read(file, {})) is old
    (line,) = caplog.messages
    assert line.startswith("face.min_size = 200 is more than half of a frame of camera.width = 320")
    assert line.endswith("until the next start; the settings stay as they were")


def test_the_environment_holds_over_a_reload(file: Path) -> None:
    environment = {"MASKWATCH__ALERT__HOLD": "9.0"}
    old = config.load(file, environment)
    file.write_text(BASE + "[alert]\nhold = 3.0\nclear = 4.0")
    alert = reload.reloaded(old, reload.read(file, environment)).alert
    assert (alert.hold, alert.clear) == (9.0, 4.0)


LINES = st.sampled_from(
    [
        "[alert]",
        "[zone]",
        "[camera]",
        "[nonsense]",
        "hold = 2.5",
        "hold = -1",
        "source = 'x'",
        "polygon = [[0, 0]]",
        "x",
        "",
    ]
)


@examples(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=6).map("\n".join) | st.text(st.characters(codec="utf-8"), max_size=40))
def test_a_bad_file_never_changes_anything_and_a_good_one_only_what_may(
    file: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    caplog.clear()
    file.write_text(BASE)
    old = config.load(file, {})
    file.write_text(text, encoding="utf-8", newline="")
    new = reload.reloaded(old, reload.read(file, {}), no_outputs=True)
    wanted = loaded(file)
    if isinstance(wanted, ConfigError):
        assert new is old
        assert caplog.messages == [f"{wanted}; the settings stay as they were"]
        return
    before, after, asked = dict(flat(old)), dict(flat(new)), dict(flat(wanted))
    assert before.keys() == after.keys()
    for key, value in after.items():
        assert value == (asked[key] if reload.is_live(key) and key in asked else before[key])


def loaded(file: Path) -> Settings | ConfigError:
    try:
        return config.load(file, {})
    except ConfigError as error:
        return error


def test_a_file_that_is_gone_changes_nothing(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = config.load(file, {})
    file.unlink()
    assert reload.reloaded(old, reload.read(file, {})) is old
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_what_may_change_at_once_exists() -> None:
    whole = Settings.model_validate({"buttons": {"mute": {"pin": 1}}})
    keys = [key for key, _ in flat(whole)]
    for live in reload.LIVE:
        assert any(key[: len(live)] == live for key in keys), live
