"""Real camera drivers of Linux under maskwatch's sources: the real picamera2 on libcamera and vimc, and V4L2 on vivid.

vimc and vivid are the kernel's virtual cameras. They fail in two ways while frames are read: no frame comes, as from a
Pi's camera whose cable is loose; or the device goes away, as when a USB camera is unplugged. Times are the guest's own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulated_pi import guest_image
from emulated_pi.guest import Guest
from emulated_pi.transcript import Transcript

pytestmark = pytest.mark.pi
STEPS = 3600.0  # seconds of the host for all steps of a program, on a busy machine
STALL = 3.0  # seconds; one of vimc's frames takes 1.4
SETTINGS = {"fps": 5, "stall": STALL, "frozen": 0}  # vimc's picture never changes
VIMC = {"source": "picamera:0", "width": 318, "height": 240}
VIVID = {"source": "v4l2:/dev/video0", "width": 640, "height": 360}
# The test picture of both, from left to right: white, yellow, cyan, green, magenta, red, blue, black. R, G, B.
BARS = [[1, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
VIMCS_DRIVER = "/sys/bus/platform/drivers/vimc"
LOG = "/run/service.log"  # of the daemon, see guest/service
ABORTED = 128 + 6  # how a shell tells SIGABRT
ENVIRONMENT = "GPIOZERO_PIN_FACTORY=mock " + " ".join(
    f"MASKWATCH__CAMERA__{name.upper()}={value}" for name, value in (SETTINGS | VIMC).items()
)

Told = dict[str, dict[str, Any]]  # what eyes.py told of each step, by its name; of repeated ones, the first


@pytest.fixture(scope="module")
def guest(told: Transcript, work: Path) -> Iterator[Guest]:
    """Switched on, with a shell, and without a camera."""
    with told.timed("x86-64 guest's image (from the cache, if it was there)", "guest_image_s"):
        image = guest_image.built()
    with Guest(image, work / "guest") as guest:
        with told.timed("x86-64 guest: from power to a shell, by the host's clock", "guest_boot_s"):
            guest.console.log_in()
        yield guest


@pytest.fixture(scope="module")
def vimc(guest: Guest, told: Transcript) -> Told:
    """The Pi's camera by picamera2: opened twice, silent for a while, heard again."""
    guest.console.run("modprobe vimc && udevadm settle")
    steps = ("open", "five", "close", "open", "five", "silence", "linger", "sound", "five", "close")
    return look(guest, told, "vimc", VIMC, steps)


@pytest.fixture(scope="module")
def vivid(guest: Guest, told: Transcript) -> Told:
    """A USB camera by V4L2: opened twice, unplugged for a while, plugged in again."""
    guest.console.run("modprobe -r vimc; modprobe vivid n_devs=1 && udevadm settle")
    steps = ("open", "five", "close", "open", "vanish", "linger", "appear", "five", "close")
    return look(guest, told, "vivid", VIVID, steps)


def look(guest: Guest, told: Transcript, name: str, camera: dict[str, Any], steps: tuple[str, ...]) -> Told:
    """Let eyes.py go through the steps, and note how long each took.

    After each `close` no device file is open and no other thread runs: a second `open` would find the camera in use.
    """
    call = f"python3 /program/eyes.py '{json.dumps(SETTINGS | camera)}' {' '.join(steps)}"
    said = guest.console.run(call, STEPS)
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [each["step"] for each in found] == list(steps), said
    first = {each["step"]: each for each in reversed(found)}
    for step in first:
        note(told, f"{name}_{step}_s", first[step]["seconds"])
    assert all(each["open"] == [] and each["threads"] == 1 for each in found if each["step"] == "close"), said
    return first


def bars(step: dict[str, Any]) -> list[list[int]]:
    """Which of red, green and blue is bright in each bar."""
    return [[int(value > 95) for value in bar] for bar in step["bars"]]


def test_picamera2_gives_whole_frames_red_first(vimc: Told) -> None:
    assert vimc["open"]["shape"] == [240, 318, 3]
    assert vimc["open"]["type"] == "uint8"
    assert bars(vimc["open"]) == BARS
    assert vimc["open"]["is"] == "Sensor B, fixed-focus lens"
    assert vimc["five"]["frames"] == 5
    assert vimc["five"]["rising"]


def test_a_pi_camera_that_falls_silent_is_told_and_opened_again_by_the_same_process(vimc: Told) -> None:
    assert vimc["silence"]["trouble"] == f"no frame for {STALL:g} s"
    assert vimc["silence"]["seconds"] < 2 * STALL
    assert f"no frame for {2 * STALL:g} s; is its cable seated?" in vimc["linger"]["troubles"]
    assert bars(vimc["sound"]) == BARS


def test_a_pi_camera_that_vanishes_ends_the_daemon_and_the_next_waits_for_it(guest: Guest, told: Transcript) -> None:
    """libcamera aborts the process that stops a camera whose device is gone."""
    console = guest.console
    console.run("modprobe -r vivid; modprobe vimc && udevadm settle")
    service = console.run(f"{ENVIRONMENT} setsid sh /program/service & echo $!").splitlines()[-1]
    logged(guest, "watching picamera:0")
    console.run("sleep 12")  # the guest's seconds: the first frame may come after a first fault
    faults, over = (console.run(f"grep -c '^[0-9.]* {event} ' {LOG}", check=False) for event in ("fault", "fault_over"))
    assert faults == over
    console.run(f": > {LOG}")
    gone = uptime(guest)
    console.run(f"echo vimc.0 > {VIMCS_DRIVER}/unbind")
    note(told, "vimc_gone_told_s", logged(guest, "fault time.*no frame for") - gone)
    note(told, "vimc_gone_daemon_ended_s", logged(guest, f"service: ended with {ABORTED}") - gone)
    logged(guest, "fault time.*cannot be opened .No camera number 0 found")
    back = uptime(guest)
    console.run(f"echo vimc.0 > {VIMCS_DRIVER}/bind")
    note(told, "vimc_back_daemon_sees_s", logged(guest, "fault_over") - back)
    console.run(f"kill -- -{service}; while pgrep -f maskwatch.cli; do sleep 0.5; done")
    assert console.run(f"grep -c 'service: ended' {LOG}") == "1"


def logged(guest: Guest, pattern: str) -> float:
    """Wait until the daemon's log has a line; when it came, in the guest's seconds."""
    command = f"until grep -s -m 1 '{pattern}' {LOG}; do sleep 0.5; done"
    return float(guest.console.run(command, STEPS).split()[0])


def uptime(guest: Guest) -> float:
    return float(guest.console.run("cat /proc/uptime").split()[0])


def note(told: Transcript, name: str, seconds: float) -> None:
    told.note(name, seconds)
    told.say(f"{name}: {seconds:.2f} of the guest's")


def test_v4l2_gives_whole_frames_red_first(vivid: Told) -> None:
    assert vivid["open"]["shape"] == [360, 640, 3]
    assert bars(vivid["open"]) == BARS
    assert vivid["open"]["is"].startswith("vivid-000-vid-cap")
    assert vivid["five"]["rising"]


def test_a_v4l2_camera_that_is_unplugged_is_told_at_once_and_opened_when_it_is_back(vivid: Told) -> None:
    assert vivid["vanish"]["trouble"] == "stopped giving frames; was it unplugged or switched off?"
    assert vivid["vanish"]["seconds"] < STALL
    assert "no such device; `ls /dev/video*` shows what is connected" in vivid["linger"]["troubles"]
    assert bars(vivid["appear"]) == BARS
