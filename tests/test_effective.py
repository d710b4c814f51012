"""`maskwatch config`: all that is in force, each with its origin, and a config file once more."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from maskwatch import config, effective
from maskwatch.effective import Entry
from maskwatch.errors import ConfigError
from maskwatch.redaction import redacted

FILE = """
[camera]
source = "rtsp://door:secret@camera.local/1"

[alert]
hold = 2.5
quiet = [
  { since = "22:00", until = "06:30" },
]

[outputs.buzzer]
pin = 17
pattern = { on = 0.2, every = 1.0 }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "maskwatch.toml"
    path.write_text(FILE)
    return path


def by_key(path: Path, environment: dict[str, str]) -> dict[str, Entry]:
    return {entry.key: entry for entry in effective.entries(path, environment)}


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("camera.source", 'camera.source = "rtsp://…@camera.local/…"   # file {file}:3'),
        ("camera.width", "camera.width = 1280   # default"),
        ("camera.exposure", "# camera.exposure is absent   # default"),
        ("camera.stall", "camera.stall = 7.5   # environment MASKWATCH__CAMERA__STALL"),
        ("alert.hold", "alert.hold = 3.0   # environment MASKWATCH__ALERT__HOLD"),  # the file's word does not count
        ("alert.quiet", 'alert.quiet = [{ since = "22:00", until = "06:30" }]   # file {file}:9'),
        ("outputs.buzzer.active_high", "outputs.buzzer.active_high = true   # default"),
        (
            "outputs.buzzer.pattern",
            "outputs.buzzer.pattern = { times = 2, on = 0.2, off = 0.1, every = 1.0 }   "
            "# file {file}:13 and environment MASKWATCH__OUTPUTS__BUZZER__PATTERN__TIMES",
        ),
        ("outputs.lamp", "# outputs.lamp is absent   # default"),
        ("buttons.test.pin", "buttons.test.pin = 4   # environment MASKWATCH__BUTTONS__TEST"),
    ],
)
def test_a_line_has_key_value_and_origin(file: Path, key: str, line: str) -> None:
    environment = {
        "MASKWATCH__ALERT__HOLD": "3.0",
        "MASKWATCH__CAMERA__STALL": "7.5",
        "MASKWATCH__OUTPUTS__BUZZER__PATTERN__TIMES": "2",
        "MASKWATCH__BUTTONS__TEST": "{ pin = 4 }",
    }
    assert effective.text_line(by_key(file, environment)[key]) == line.replace("{file}", str(file))


def test_every_key_is_listed_in_the_shipped_files_order(file: Path) -> None:
    keys = list(by_key(file, {}))
    assert keys[:3] == ["camera.source", "camera.password_file", "camera.verify"]
    assert keys[-1] == "log.level"
    assert len(keys) == len(set(keys)) == len(list(effective.flat(config.load(file, {}))))


def test_json_has_the_same_without_the_password(file: Path) -> None:
    rows = [json.loads(effective.json_line(entry)) for entry in effective.entries(file, {})]
    assert rows[0] == {
        "key": "camera.source",
        "value": "rtsp://…@camera.local/…",
        "origin": f"file {file}:3",
    }
    assert [row["key"] for row in rows] == list(by_key(file, {}))


def test_a_file_that_is_refused_shows_nothing(file: Path) -> None:
    file.write_text("[alert]\nhold = 'x'")
    with pytest.raises(ConfigError, match=r"alert\.hold"):
        effective.entries(file, {})


@examples(deadline=None)
@given(
    source=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
    .map(lambda text: f"video:/{text}")
    .filter(lambda text: redacted(text) == text and "://" not in text),
    hold=st.floats(0, 30),
    corners=st.tuples(st.floats(0, 0.4), st.floats(0.5, 1)).map(lambda ends: [ends, (1.0, 0.25), (0.75, 1.0)]),
)
@example(source='video:/a"\\\U0001f600\u2028', hold=1e-7, corners=[])
def test_all_lines_together_are_the_same_settings_again(
    tmp_path_factory: pytest.TempPathFactory, source: str, hold: float, corners: list[tuple[float, float]]
) -> None:
    settings = config.load()
    settings = settings.model_copy(
        update={
            "camera": settings.camera.model_copy(update={"source": source}),
            "alert": settings.alert.model_copy(update={"hold": hold}),
            "zone": settings.zone.model_copy(update={"polygon": tuple(corners)}),
        }
    )
    entries = [
        effective.Entry(".".join(place), effective._plain(value), "here") for place, value in effective.flat(settings)
    ]
    path = tmp_path_factory.mktemp("again") / "again.toml"
    path.write_text("\n".join(map(effective.text_line, entries)), encoding="utf-8", newline="")
    assert config.load(path, {}) == settings
