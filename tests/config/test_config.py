"""Settings: the shipped file is complete, and every mistake is named in one line."""

import re
import tomllib
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from config_fields import FIELDS
from pydantic import BaseModel, BeforeValidator

from maskwatch import config
from maskwatch.config import BuzzerSettings, LedSettings, OutputsSettings, Pattern, QuietWindow, Settings, settings_file
from maskwatch.config.effective import flat
from maskwatch.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "maskwatch.toml"
    path.write_text(text)
    return path


# -- the shipped file and the schema say the same -------------------------------------------------------------------

SHIPPED = config.default_path().read_text()
COMMENTED_KEY = re.compile(r"^# (?=\[[\w.]+\]|\w+ = )", re.MULTILINE)  # "# blue = 13", "# [outputs.lamp]": no prose
WHOLE = COMMENTED_KEY.sub("", SHIPPED)
UNIT = re.compile(
    r"seconds|pixels|0-1|opinion|BCM number|hertz|degrees|frames a second|milliseconds|dioptres|threads|faces judged"
)


each_field = pytest.mark.parametrize("place", FIELDS, ids=".".join)


def in_whole_file(place: settings_file.Place) -> Any:
    value: Any = tomllib.loads(WHOLE)
    for name in place:
        value = value[name]
    return value


def test_the_shipped_file_is_the_defaults_with_buzzer_and_led() -> None:
    pins = OutputsSettings(buzzer=BuzzerSettings(pin=17), led=LedSettings(pin=27))
    assert config.load() == Settings(outputs=pins)


def test_with_every_comment_taken_off_the_file_is_valid_and_nothing_is_absent(tmp_path: Path) -> None:
    settings = config.load(written(tmp_path, WHOLE))
    assert [".".join(place) for place, value in flat(settings) if value is None] == []


def test_keys_of_file_and_schema_are_the_same_in_the_same_order() -> None:
    sections_and_keys = settings_file.line_numbers(WHOLE)
    assert [place for place in sections_and_keys if place in FIELDS] == list(FIELDS)


@each_field
def test_a_key_in_the_file_has_the_schemas_default(place: settings_file.Place) -> None:
    field = FIELDS[place]
    if field.is_required() or field.default is None:  # the file gives an example
        assert in_whole_file(place) is not None
    elif isinstance(field.default, Pattern):
        assert Pattern(**in_whole_file(place)) == field.default
    elif field.default == ():
        assert in_whole_file(place) == []
    else:
        assert in_whole_file(place) == field.default


@each_field
def test_a_key_says_what_it_is_and_a_number_its_unit(place: settings_file.Place) -> None:
    number = settings_file.line_numbers(WHOLE)[place]
    above, line = WHOLE.splitlines()[number - 2 : number]
    _, mark, comment = line.partition("  # ")
    assert mark or above.startswith("# ")
    value = in_whole_file(place)
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert UNIT.search(comment)


@pytest.mark.parametrize("model", [Pattern, QuietWindow])
def test_keys_of_tables_within_a_line_are_shown_together_in_a_comment(model: type[BaseModel]) -> None:
    tables = re.findall(r"^#.*(\{.*\})|# .*(\{.*\})", SHIPPED, re.MULTILINE)
    shown = [tomllib.loads(f"x = {first or second}")["x"] for first, second in tables]
    assert list(model.model_fields) in [list(table) for table in shown]


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "counts_as"), [("", "without_mask"), ("incorrect = 'with_mask'", "with_mask")])
def test_a_mask_worn_wrong_counts_as_bare_unless_the_site_says_otherwise(
    tmp_path: Path, text: str, counts_as: str
) -> None:
    assert config.load(written(tmp_path, f"[mask]\n{text}")).mask.incorrect == counts_as


def test_an_empty_file_is_valid_and_drives_nothing(tmp_path: Path) -> None:
    assert config.claimed_pins(config.load(written(tmp_path, ""))) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[camera]\nwidht = 640", ":2: camera.widht: unknown key; did you mean `width`?"),
        ("\n[camra]\nwidth = 640", ":2: camra: unknown key; did you mean `camera`?"),
        (
            "[outputs.led]\npin = 17\nzzz = 1",
            ":3: outputs.led.zzz: unknown key; expected one of: pin, active_high, pattern",
        ),
        ("[camera]\nwidth = '640'", ":2: camera.width: found a string, expected a whole number"),
        ("[alert]\nhold = true", "alert.hold: found True (bool), expected a number"),
        ("[alert]\nclear = -1", "alert.clear: found -1 (int), expected greater than or equal to 0"),
        ("[alert]\nhold = nan", "alert.hold: found nan (float), expected "),
        ("[power]\ngate = 1", "power.gate: found 1 (int), expected true or false"),
        ("[alert]\nlow = 0.8\nhigh = 0.5", ":1: alert: low = 0.8 must not be above high = 0.5"),
        ("\n[outputs.led]\nactive_high = true", ":2: outputs.led.pin: missing"),
        ("[outputs.led]\npin = 40", "outputs.led.pin: found 40 (int), expected less than or equal to 27"),
        ("camera = 3", "camera: found 3 (int), expected a table"),
        ("[buttons]\nmute = 3", "buttons.mute: found 3 (int), expected a table"),
        ("[face]\nengine = 'yunet'", 'face: engine "yunet" needs `model`'),
        (
            "[mask]\nincorrect = 'mask_weared_incorrect'",  # a verdict is never that
            "mask.incorrect: found 'mask_weared_incorrect' (str), expected 'without_mask' or",
        ),
        ("[log]\nlevel = 'loud'", "log.level: found 'loud' (str), expected 'debug', 'info'"),
        ("[camera\nwidth = 3", "not valid TOML"),
        ("[camera]\nwidht = 1\nheigth = 2", "(and 1 more)"),
        ("[camera]\nwidth = 'x'\nheigth = 2", ":3: camera.heigth: unknown key; did you mean `height`? (and 1 more)"),
        ("[camera]\nfocus = 'atuo'", "camera.focus: found 'atuo' (str), expected \"auto\" or 0 to 20 dioptres"),
        ("[camera]\nfocus = true", 'camera.focus: found True (bool), expected "auto" or 0 to 20 dioptres'),
        ("[camera]\nfocus = 21", 'camera.focus: found 21 (int), expected "auto" or 0 to 20 dioptres'),
        ("[zone]\npolygon = [[0, 0], [2, 0], [0, 1]]", "zone.polygon[1][0]: found 2, expected 0 to 1: corners are"),
        ("[zone]\npolygon = [[0, 0], [1, 0, 1]]", "zone.polygon[1]: found [1, 0, 1] (list), expected a pair"),
        ("[zone]\npolygon = [[0, 0], [1, 0]]", "zone.polygon: 2 corners enclose nothing"),
        (
            "[alert]\ntimezone = 'Europe/Atlantis'",
            "alert.timezone: found 'Europe/Atlantis' (str), expected a time zone",
        ),
        ("[alert]\nquiet = 'night'", "alert.quiet: found 'night' (str), expected an array"),
        ("[alert]\nquiet = [3]", ":2: alert.quiet[0]: found 3 (int), expected a table"),
        (
            "[alert]\nquiet = [{ since = '22:00', untl = '06:30' }]",
            ":2: alert.quiet[0].untl: unknown key; did you mean `until`?",
        ),
        (
            "[[alert.quiet]]\nsince = '24:30'\nuntil = '06:30'",
            "alert.quiet[0].since: found '24:30' (str), expected a time",
        ),
        ("[[alert.quiet]]\nsince = '22:00'", "alert.quiet[0].until: missing"),
        (
            "[outputs.buzzer]\npin = 17\npattern = 'stedy'",
            ":3: outputs.buzzer.pattern: found 'stedy' (str), expected \"steady\" or e.g. { times = 2, on = 0.1",
        ),
        (
            "[outputs.buzzer]\npin = 17\npattern = { tmes = 2 }",
            ":3: outputs.buzzer.pattern.tmes: unknown key; did you mean `times`?",
        ),
        (
            "[outputs.relay]\npin = 17\npattern = { on = 0.5, every = true }",
            ":3: outputs.relay.pattern.every: found True (bool), expected a number",
        ),
        (
            "[buttons.test]\npin = 3\npull_up = false",
            "buttons.test: GPIO3 has a resistor on the board that pulls it up: it takes pull_up = true, or another pin",
        ),
        (
            '[outputs.relay]\npin = 17\nwhen = "masked"\nmutes = true',
            'outputs.relay: mutes = true silences a relay with when = "alert"; with "masked" it makes no sound',
        ),
        (
            "[outputs.led]\npin = 17\npattern = { times = 3, on = 0.5, every = 1.0 }",
            "outputs.led.pattern: 3 pulses take 1.7 s, which leaves no pause in every = 1 s",
        ),
        ("[outputs.lamp]\nred = 5\ngreen = 6\nbleu = 7", ":4: outputs.lamp.bleu: unknown key; did you mean `blue`?"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value).startswith(f"config {path}:")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@each_field
def test_where_two_kinds_of_value_are_allowed_the_schema_says_itself_what_it_expects(
    place: settings_file.Place,
) -> None:
    field = FIELDS[place]
    is_union = get_origin(field.annotation) in (Union, UnionType)  # of which pydantic complains branch by branch
    if is_union and len(set(get_args(field.annotation)) - {type(None)}) > 1:
        assert any(isinstance(part, BeforeValidator) for part in field.metadata)


@pytest.mark.parametrize(
    "text",
    [
        "camera = 'rtsp://user:pass@word@host/1'",
        "[camera]\nwidth = 'rtsp://user:password@host'",
        "[[alert.quiet]]\nsince = ['rtsp://user:password@host']",
    ],
)
def test_a_message_shows_no_password(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(written(tmp_path, text))
    assert re.search(r"found (a string|an array of 1 value), expected ", str(caught.value))
    assert not {"user", "word@", "host"} & set(re.findall(r"\w+@?", str(caught.value)))


def test_one_pin_for_two_parts_names_both(tmp_path: Path) -> None:
    path = written(tmp_path, "[outputs.lamp]\nred = 5\ngreen = 17\n[buttons.mute]\npin = 17")
    with pytest.raises(ConfigError, match=r"GPIO17 .*\[outputs.lamp.green\] and \[buttons.mute\]"):
        config.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file"):
        config.load(tmp_path / "gone.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        config.load(path)
