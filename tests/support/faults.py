"""The faults of a unit at a door, one function each: it causes the fault and yields what it observed."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from stand_ins.aplay import Aplay
from stand_ins.file_pins import file_pins
from stand_ins.network_camera import Encoded, NetworkCamera, encoded
from stand_ins.unit import ALARM, BLINK, HERE, PINS, Row, Unit

from maskwatch.camera import demo

PACE = 0.05  # seconds a picture
WATCHDOG = 1.0  # seconds


class Scenes:
    """What the camera can show, encoded; every scene moves, because a still picture would count as a frozen camera."""

    def __init__(self) -> None:
        scene, rng = demo.Scene(), np.random.default_rng(0)
        bare = [scene.at(moment) for moment in np.linspace(4.0, 7.8, 20)]  # the demo's face before the mask goes up
        there_and_back = bare + bare[-2:0:-1]
        self.bare: list[Encoded] = [encoded(picture) for picture in there_and_back]
        self.small: list[Encoded] = [encoded(np.ascontiguousarray(picture[::2, ::2])) for picture in there_and_back]
        masked = [scene.at(moment) for moment in np.linspace(9.0, 12.8, 20)]
        self.masked: list[Encoded] = [encoded(picture) for picture in masked + masked[-2:0:-1]]
        self.nobody: list[Encoded] = [encoded(scene.at(moment)) for moment in np.linspace(0.0, 0.9, 10)]
        dark = rng.normal(2, 2, (10, 480, 640, 3)).clip(0, 255).astype(np.uint8)
        self.covered: list[Encoded] = [encoded(picture) for picture in dark]


class Door:
    """A unit, not started, and its camera, which shows a bare face."""

    def __init__(self, folder: Path, scenes: Scenes) -> None:
        """
        Args:
            folder: empty.
            scenes: see there.
        """
        self.scenes = scenes
        self.camera = NetworkCamera(*scenes.bare, pace=PACE)
        self.unit = Unit(folder, self.camera.address)

    def in_alarm(self, *program: str, **environment: str) -> Unit:
        self.unit.start(*program, **environment)
        self.unit.alarm()
        return self.unit

    def close(self) -> None:
        self.unit.end()
        self.camera.close()


Case = Callable[[Door], Iterator[Row]]


def sigterm(door: Door) -> Iterator[Row]:
    yield from stopped(door, "SIGTERM in an alarm", signal.SIGTERM)


def sigint(door: Door) -> Iterator[Row]:
    yield from stopped(door, "SIGINT in an alarm", signal.SIGINT)


def stopped(door: Door, fault: str, number: signal.Signals) -> Iterator[Row]:
    unit = door.in_alarm()
    unit.signal(number)
    unit.ended()
    yield unit.row(fault)


def killed(door: Door) -> Iterator[Row]:
    yield from stopped(door, "kill −9 in an alarm", signal.SIGKILL)
    yield door.unit.row_of("… then `pins-off`", door.unit.pins_off())


def killed_with_a_broken_config(door: Door) -> Iterator[Row]:
    unit = door.in_alarm()
    unit.config.write_text("[outputs\n")
    unit.signal(signal.SIGKILL)
    unit.ended()
    yield unit.row_of("kill −9 in an alarm, the config broken meanwhile, then `pins-off`", unit.pins_off())


def stuck(door: Door) -> Iterator[Row]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(door.unit.folder / "notify"))
        systemd.settimeout(WATCHDOG)
        unit = door.in_alarm(
            str(HERE / "stuck_finder.py"),
            NOTIFY_SOCKET=str(door.unit.folder / "notify"),
            WATCHDOG_USEC=str(int(WATCHDOG * 1e6)),
            STUCK=str(door.unit.folder / "stuck"),
        )
        unit.begin()
        (door.unit.folder / "stuck").touch()
        signs = list(until_silence(systemd))
        assert "WATCHDOG=1" in signs
    unit.process.send_signal(signal.SIGABRT)
    unit.ended()
    yield unit.row("the finder hangs in an alarm: the watchdog's signs of life stop, systemd aborts it")
    yield unit.row_of("… then `pins-off`", unit.pins_off())


def until_silence(listener: socket.socket) -> Iterator[str]:
    try:
        while True:
            yield listener.recv(4096).decode()
    except TimeoutError:
        return


def vanishing(door: Door) -> Iterator[Row]:
    unit = door.in_alarm()
    unit.begin()
    door.camera.close()
    unit.wait(lambda: unit.events().count("fault") == 2, "the end of the stream, and none to be had")
    yield unit.row("the camera vanishes in an alarm", BLINK)
    unit.begin()
    door.camera = NetworkCamera(*door.scenes.bare, port=door.camera.port, pace=PACE)
    unit.alarm()
    yield unit.row("… and comes back")


def gone(door: Door) -> Iterator[Row]:
    door.unit.change("give_up = 60.0", "give_up = 3.0")
    unit = door.in_alarm()
    unit.begin()
    door.camera.close()
    unit.ended()
    yield unit.row("the camera vanishes in an alarm and stays away for `give_up`")


def never_there(door: Door) -> Iterator[Row]:
    unit = door.unit
    unit.change(door.camera.address, "v4l2:/dev/door")
    unit.change("give_up = 60.0", "give_up = 6.0")
    unit.start()
    unit.wait_for("fault")
    yield unit.row("no camera at the start", BLINK)
    unit.begin()
    unit.ended()
    yield unit.row("… and none for `give_up`")


def freezing(door: Door) -> Iterator[Row]:
    yield from shown(door, door.scenes.bare[:1], ("the camera freezes in an alarm", "… and goes on"))


def covered(door: Door) -> Iterator[Row]:
    yield from shown(door, door.scenes.covered, ("the lens is covered in an alarm", "… and uncovered"))


def shown(door: Door, pictures: list[Encoded], faults: tuple[str, str]) -> Iterator[Row]:
    unit = door.in_alarm()
    unit.begin()
    door.camera.show(*pictures)
    unit.wait_for("fault")
    unit.wait_for("alert_off")
    yield unit.row(faults[0], BLINK)
    unit.begin()
    door.camera.show(*door.scenes.bare)
    unit.alarm()
    yield unit.row(faults[1])


def resized(door: Door) -> Iterator[Row]:
    unit = door.in_alarm()
    unit.begin()
    door.camera.show(*door.scenes.small)
    unit.wait_for("alert_off")
    unit.alarm()
    yield unit.row("frames of another size in an alarm")


def claimed(door: Door) -> Iterator[Row]:
    unit = door.unit
    lock = file_pins.claim(unit.pins, 27)
    unit.start()
    unit.ended()
    yield unit.row("another program holds the LED's pin at the start")
    os.close(lock)
    assert 27 not in {edge.pin for edge in file_pins.edges(unit.pins)}


def in_any_order(row: Row) -> Row:
    """Each kind of event once: a failing output may be noticed by the look every few seconds or by the alert's end, and
    a second one is another line.
    """
    return replace(row, alarm=sorted(set(row.alarm)))


def raising(door: Door) -> Iterator[Row]:
    unit = door.in_alarm()
    broken = unit.pins / "GPIO22.broken"
    broken.touch()
    unit.begin()
    door.camera.show(*door.scenes.nobody)
    unit.wait(lambda: {"alert_off", "fault"} <= set(unit.events()), "a fault after the alert")
    yield in_any_order(unit.row("the relay's pin raises in an alarm, then everybody leaves", BLINK))
    unit.begin()
    broken.unlink()
    unit.wait_for("fault_over")
    unit.wait(lambda: unit.on() == {"lamp.green"} and bool(unit.log()), "the relay's pin off, and no fault")
    yield unit.row("… and it works again")


def dead(door: Door) -> Iterator[Row]:
    unit = door.unit
    door.camera.show(*door.scenes.nobody)
    unit.start()
    unit.wait(lambda: unit.on() == {"lamp.green"}, "the watch")
    broken = unit.pins / "GPIO17.broken"
    broken.touch()
    unit.begin()
    unit.wait_for("fault")
    yield unit.row("the buzzer's pin raises while nobody is there", BLINK)
    unit.begin()
    door.camera.show(*door.scenes.bare)
    unit.wait(lambda: "alert_on" in unit.events() and unit.on() == ALARM - {"buzzer"}, "an alarm without the buzzer")
    yield unit.row("… and somebody bare comes")
    unit.begin()
    broken.unlink()
    unit.wait_for("fault_over")
    unit.wait(lambda: unit.on() == ALARM, "the whole alarm")
    yield unit.row("… and the buzzer works again")


def hanging(door: Door) -> Iterator[Row]:
    unit = door.in_alarm()
    hangs = unit.pins / "GPIO17.hangs"
    hangs.touch()
    unit.begin()
    door.camera.show(*door.scenes.nobody)
    unit.wait(lambda: {"alert_off", "fault"} <= set(unit.events()), "a fault after the alert")
    yield unit.row("the buzzer's driver hangs in an alarm, then everybody leaves", BLINK)
    unit.signal(signal.SIGTERM)
    unit.ended()
    yield unit.row("… then SIGTERM")
    hangs.unlink()
    yield unit.row_of("… then `pins-off`", unit.pins_off())


def deaf(door: Door) -> Iterator[Row]:
    door.unit.change("[outputs.buzzer]", "[outputs]\ngive_up = 2.0\n[outputs.buzzer]")
    unit = door.in_alarm()
    broken = [unit.pins / f"GPIO{PINS[name][0]}.broken" for name in ALARM]
    for pin in broken:
        pin.touch()
    unit.begin()
    door.camera.show(*door.scenes.nobody)
    unit.ended()
    yield in_any_order(unit.row("every output that tells of an alert raises for `[outputs] give_up`"))
    unit.begin()
    for pin in broken:
        pin.unlink()
    yield unit.row_of("… then `pins-off`", unit.pins_off())


def unread(door: Door) -> Iterator[Row]:
    unit = door.unit
    unit.start_unread()
    unit.wait(lambda: unit.on() == ALARM, "an alarm")
    unit.signal(signal.SIGTERM)
    unit.ended()
    yield unit.row("stdout and stderr are full from the start, and nobody reads; then SIGTERM in an alarm")


def frames_raise(door: Door) -> Iterator[Row]:
    unit = door.in_alarm(str(HERE / "raising_finder.py"), RAISES=str(door.unit.folder / "raises"))
    unit.begin()
    (unit.folder / "raises").touch()
    unit.ended()
    yield unit.row("every frame raises in an alarm, a defect of a model")


def unplugged(door: Door) -> Iterator[Row]:
    aplay = Aplay(door.unit.folder / "bin")
    door.unit.change("[outputs.led]", "[outputs.sound]\npause = 0.2\n[outputs.led]")
    unit = door.in_alarm(PATH=aplay.path)
    unit.wait(lambda: aplay.ended() > 1, "the sound, after a look at the device")
    unit.begin()
    aplay.does("fail aplay: main:831: audio open error: No such device")
    unit.wait_for("fault")
    yield unit.row("the loudspeaker is unplugged in an alarm", BLINK)
    unit.begin()
    aplay.does(None)
    unit.wait_for("fault_over")
    yield unit.row("… and plugged in again")


def opened(door: Door) -> Iterator[Row]:
    unit = door.unit
    unit.change("[outputs.relay]", '[outputs.relay]\nwhen = "masked"')
    door.camera.show(*door.scenes.masked)
    unit.start()
    unit.wait(lambda: unit.on() == {"lamp.green", "relay"}, "a door that is open for somebody masked")
    unit.begin()
    door.camera.close()
    unit.wait(lambda: unit.events().count("fault") == 2, "the end of the stream, and none to be had")
    yield unit.row("the camera vanishes while the relay is on for somebody masked", BLINK)
    unit.begin()
    door.camera = NetworkCamera(*door.scenes.masked, port=door.camera.port, pace=PACE)
    unit.wait(lambda: unit.on() == {"lamp.green", "relay"}, "the door, open again")
    yield unit.row("… and comes back, and the relay is on again")


def reloaded_fifo(door: Door) -> Iterator[Row]:
    unit = door.in_alarm()
    unit.config.unlink()
    os.mkfifo(unit.config)
    yield from reloaded(unit, "a FIFO is in the config's place and reloaded in an alarm")


def reloaded_empty(door: Door) -> Iterator[Row]:
    unit = door.in_alarm()
    unit.config.write_text("")
    yield from reloaded(unit, "an empty config is reloaded in an alarm")


def reloaded(unit: Unit, fault: str) -> Iterator[Row]:
    unit.signal(signal.SIGHUP)
    unit.wait(lambda: bool(unit.log()), "a line on the config")
    yield unit.row(fault, 1.0)


def reloaded_broken(door: Door) -> Iterator[Row]:
    unit = door.in_alarm()
    unit.change("hold = 0.2", "hold = -1")
    yield from reloaded(unit, "a broken config is reloaded in an alarm")


def started_broken(door: Door) -> Iterator[Row]:
    unit = door.unit
    unit.config.write_text("[outputs.buzzer]\npni = 17\n")
    unit.start()
    unit.ended()
    yield unit.row("a broken config at the start")
    yield unit.row_of("… then `pins-off`", unit.pins_off())


CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        sigterm,
        sigint,
        killed,
        killed_with_a_broken_config,
        stuck,
        vanishing,
        gone,
        freezing,
        covered,
        resized,
        never_there,
        claimed,
        raising,
        dead,
        hanging,
        deaf,
        frames_raise,
        unplugged,
        opened,
        unread,
        reloaded_broken,
        reloaded_fifo,
        reloaded_empty,
        started_broken,
    )
}
