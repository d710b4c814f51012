"""The command line: one line and an exit code for every mistake, never a traceback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from colour_door import CLOTH, SKIN, ColourFinder, ColourJudge, scene
from needed import BUNDLES, COMMAND, DEMO, MOCK

from maskwatch.camera.files import folder
from maskwatch.cli import still_pictures
from maskwatch.errors import SourceError
from maskwatch.flow import Box, Face, Label, Verdict
from maskwatch.presence.zone import Zone


def maskwatch(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command, environment = [*COMMAND, *map(str, arguments)], {**MOCK, **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def only_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


def written(folder: Path, text: str) -> Path:
    path = folder / "x.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "exit_code", "expected"),
    [
        ("[camera]\nwidht = 3", 2, "did you mean `width`?"),
        ("[camera]\nwidth = 'x'", 2, "camera.width: found a string, expected a whole number"),
        ("[outputs.buzzer]\npin = 17\n[outputs.led]\npin = 17", 2, "GPIO17 is claimed by"),
        (
            "[mask]\nmodel = '/nowhere/m.tflite'\n[face]\nmodel = '/nowhere/f.tflite'\n[outputs.led]\npin = 5",
            4,
            "/nowhere/f.tflite",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "detect"])
def test_a_mistake_in_the_config_is_one_line_and_its_exit_code(
    tmp_path: Path, command: str, text: str, exit_code: int, expected: str
) -> None:
    config = written(tmp_path, text)
    extra = [tmp_path] if command == "detect" else ["--source", "demo"]
    done = maskwatch(command, "--config", config, *extra)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert only_line(done.stderr).startswith("maskwatch: ")
    assert expected in done.stderr


@pytest.mark.parametrize("heavy", ["numpy", "cv2", "pydantic", "gpiozero", "ai_edge_litert"])
def test_help_does_not_wait_for_heavy_imports(heavy: str) -> None:
    program = f"import sys, maskwatch.cli; assert {heavy!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, colour in (("bare.png", SKIN), ("masked.png", CLOTH), ("nobody.png", (128, 128, 128))):
        cv2.imwrite(str(folder / name), scene(colour)[..., ::-1])
    (folder / "cut.png").write_bytes((folder / "bare.png").read_bytes()[:-20])
    return folder


def test_detect_lines_are_as_promised_and_in_order(images: Path) -> None:
    found = list(still_pictures.inspect(folder.find([images]), ColourFinder(), ColourJudge()))
    lines = [json.loads(still_pictures.json_line(still)) for still in found if isinstance(still, still_pictures.Still)]
    face = {"box": [20.0, 10.0, 44.0, 40.0], "score": 0.9, "confidence": 0.98}
    assert lines == [
        {"image": "bare.png", "width": 64, "height": 48, "faces": [{**face, "label": "without_mask"}]},
        {"image": "masked.png", "width": 64, "height": 48, "faces": [{**face, "label": "with_mask"}]},
        {"image": "nobody.png", "width": 64, "height": 48, "faces": []},
    ]
    assert isinstance(found[1], SourceError)
    assert "cut.png" in str(found[1])


def test_reported_boxes_stay_inside_the_image() -> None:
    face = Face(Box(-3.0, -9.5, 64.2, 40.126), 0.9)
    still = still_pictures.Still("x.png", 64, 48, ((face, Verdict(Label.WITH_MASK, 0.98)),))
    assert json.loads(still_pictures.json_line(still))["faces"][0]["box"] == [0.0, 0.0, 64.0, 40.13]
    assert still_pictures.text_line(still) == "x.png 64x48: with_mask 0.98 at 0,0 64,40"


@BUNDLES
def test_detect_prints_the_others_and_exits_3_when_one_image_cannot_be_read(images: Path) -> None:
    done = maskwatch("detect", images, images / "gone.jpg", "--json")
    names = [json.loads(line)["image"] for line in done.stdout.splitlines()]
    assert names == ["bare.png", "masked.png", "nobody.png"]
    assert [line.split(": ")[1].rsplit("/", 1)[1] for line in done.stderr.splitlines()] == [
        "cut.png",
        "gone.jpg",
    ]
    assert done.returncode == 3


@pytest.mark.parametrize(
    ("polygon", "told"), [(((0.4, 0.4), (0.6, 0.4), (0.5, 0.9)), 1), (((0.9, 0), (1, 0), (1, 1)), 0)]
)
def test_in_a_zone_only_faces_that_count_are_told(
    images: Path, polygon: tuple[tuple[float, float], ...], told: int
) -> None:
    stills_found = still_pictures.inspect(
        folder.find([images / "bare.png"]), ColourFinder(), ColourJudge(), Zone(0, polygon)
    )
    (still,) = stills_found
    assert isinstance(still, still_pictures.Still)
    assert len(still.faces) == told


@BUNDLES
@DEMO
def test_detect_looks_at_the_zone_alone_when_asked(tmp_path: Path) -> None:
    from maskwatch.camera import demo

    person = cv2.resize(demo.Scene().at(5.0), None, fx=0.28, fy=0.28, interpolation=cv2.INTER_AREA)
    wide = np.full((720, 1280, 3), 128, np.uint8)
    wide[310 : 310 + person.shape[0], 570 : 570 + person.shape[1]] = person
    cv2.imwrite(str(tmp_path / "wide.png"), wide[..., ::-1])
    config = written(tmp_path, "[zone]\npolygon = [[0.45, 0.4], [0.55, 0.4], [0.55, 0.6], [0.45, 0.6]]")

    def faces(*options: str) -> int:
        done = maskwatch("detect", tmp_path / "wide.png", "--json", "--config", config, *options)
        return len(json.loads(done.stdout)["faces"])

    assert (faces(), faces("--zone")) == (0, 1)


@BUNDLES
def test_detect_min_score_shows_fainter_faces(images: Path) -> None:
    def faces(*options: str) -> int:
        done = maskwatch("detect", images / "bare.png", "--json", *options)
        return len(json.loads(done.stdout)["faces"])

    assert faces("--min-score", "1.0") == 0
    assert faces("--min-score", "0.01") >= faces()


@BUNDLES
@pytest.mark.parametrize("source", ["video:/nowhere.mp4", "images:/nowhere", "./nowhere"])
def test_a_source_that_cannot_be_opened_is_one_line_and_exit_3(source: str) -> None:
    done = maskwatch("run", "--source", source)
    assert (done.returncode, done.stdout) == (3, "")
    assert only_line(done.stderr).startswith("maskwatch: ")


@BUNDLES
@DEMO
def test_check_finds_everything_in_order_with_mock_pins_and_the_demo() -> None:
    done = maskwatch("check", "--source", "demo")
    assert [line.split(":")[0].split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["ok", subject] for subject in ("config", "face model", "mask model", "camera", "buzzer", "led")
    ]
    assert done.returncode == 0


def test_check_names_each_failure_and_exits_with_the_first(tmp_path: Path) -> None:
    text = "[camera]\nsource = 'v4l2:/dev/video99'\n[face]\nmodel = '/no/f'\n[mask]\nmodel = '/no/m'\n"
    done = maskwatch("check", "--config", written(tmp_path, text + "[outputs.led]\npin = 5"))
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "ok   config",
        "FAIL face model",
        "FAIL mask model",
        "FAIL camera",
        "ok   led",
    ]
    assert done.returncode == 4
    assert done.stderr == ""


@pytest.mark.parametrize("text", ["", "[camera]\nsource = 'demo'\n"], ids=["empty", "cut after a section"])
def test_a_config_without_any_output_is_refused_unless_that_was_asked_for(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text + "[face]\nmodel = '/no/f'")
    done = maskwatch("run", "--config", file, "--source", "video:x")
    assert (done.returncode, done.stdout) == (2, "")
    assert only_line(done.stderr).startswith(
        f"maskwatch: config {file}: no output is set: nothing would be heard or seen"
    )
    assert maskwatch("run", "--config", file, "--source", "video:x", "--no-outputs").returncode == 4  # the model's
    lines = [line.split(":")[0] for line in maskwatch("check", "--config", file).stdout.splitlines()]
    assert "FAIL outputs" in lines
    lines = maskwatch("check", "--config", file, "--no-outputs").stdout.splitlines()
    assert "ok   outputs: none, as asked" in lines


def test_check_tries_every_pin_and_every_button(tmp_path: Path) -> None:
    text = "[face]\nmodel = '/no/f'\n[mask]\nmodel = '/no/m'\n[outputs.lamp]\nred = 5\ngreen = 6\nblue = 13\n"
    text += "[outputs.relay]\npin = 22\n[buttons.mute]\npin = 23\n[buttons.test]\npin = 24\n"
    done = maskwatch("check", "--source", "video:x", "--config", written(tmp_path, text))
    assert done.stdout.splitlines()[4:] == [
        "ok   lamp.red: GPIO5 can be driven (a mock pin: nothing real is switched)",
        "ok   lamp.green: GPIO6 can be driven (a mock pin: nothing real is switched)",
        "ok   lamp.blue: GPIO13 can be driven (a mock pin: nothing real is switched)",
        "ok   relay: GPIO22 can be driven (a mock pin: nothing real is switched)",
        "ok   mute button: GPIO23 can be read, not pressed (a mock pin: nothing real is switched)",
        "ok   test button: GPIO24 can be read, not pressed (a mock pin: nothing real is switched)",
    ]


def test_check_without_pins_on_this_machine_says_how_to_mend_it(tmp_path: Path) -> None:
    config = written(tmp_path, "[outputs.led]\npin = 5")
    environment = {**os.environ, "GPIOZERO_PIN_FACTORY": "nonsense"}
    command = [*COMMAND, "check", "--config", str(config), "--source", "video:x"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("FAIL led: led: GPIO5: no pins on this machine: gpiozero knows no pin factory nonsense")


def test_config_prints_what_is_in_force_and_where_it_came_from(tmp_path: Path) -> None:
    file = written(tmp_path, "[camera]\nsource = 'rtsp://u:secret@host'\n")
    done = maskwatch("config", "--config", file, MASKWATCH__ALERT__HOLD="2.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f'camera.source = "rtsp://…@host"   # file {file}:2'
    assert "alert.hold = 2.5   # environment MASKWATCH__ALERT__HOLD" in done.stdout.splitlines()
    rows = [json.loads(line) for line in maskwatch("config", "--config", file, "--json").stdout.splitlines()]
    assert {"key": "alert.hold", "value": 1.0, "origin": "default"} in rows


def test_config_of_a_file_that_is_refused_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = maskwatch("config", "--config", written(tmp_path, "[camera]\nwidht = 3"))
    assert (done.returncode, done.stdout) == (2, "")
    assert only_line(done.stderr).endswith("x.toml:2: camera.widht: unknown key; did you mean `width`?")


def test_a_variable_at_fault_is_one_line_and_exit_2() -> None:
    done = maskwatch("config", MASKWATCH__ALERT__HOLT="2.5")
    assert (done.returncode, done.stdout) == (2, "")
    line = "maskwatch: environment MASKWATCH__ALERT__HOLT: alert.holt: unknown key; did you mean `hold`?"
    assert only_line(done.stderr) == line


@BUNDLES
@DEMO
def test_sigterm_in_an_alert_of_the_demo_switches_every_pin_off() -> None:
    command = [*COMMAND, "run", "--source", "demo", "--json", "--show-pins"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=MOCK)
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(3)]
    process.send_signal(signal.SIGTERM)
    lines += [json.loads(line) for line in process.communicate(timeout=20)[0].splitlines()]
    assert process.returncode == 0
    assert [line["event"] for line in lines if line["event"] != "pin"] == ["alert_on", "alert_off"]
    changes = {name: [line["on"] for line in lines if line.get("name") == name] for name in ("buzzer", "led")}
    assert changes["led"] == [True, False]
    assert changes["buzzer"] == [True, False] * (len(changes["buzzer"]) // 2)  # beeps, and no half one
