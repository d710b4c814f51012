"""A sound in an alert, through a stand-in for aplay: what it plays, when it is silent, and how it fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins.aplay import Aplay

from maskwatch.cli import output_trial
from maskwatch.config import OutputsSettings, SoundSettings
from maskwatch.errors import OutputError
from maskwatch.flow import Signal
from maskwatch.outputs import Outputs, sound
from maskwatch.outputs import aplay as player
from maskwatch.outputs.sound import PROBE, RETRY, SoundOutput
from maskwatch.outputs.wav import chime, read

A, W, M, F = Signal.ALERT, Signal.WATCHING, Signal.MASKED, Signal.FAULT
LENGTH = 0.3  # seconds of the message
PATIENCE = 20.0  # seconds; only a test that fails waits so long


@pytest.fixture
def aplay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aplay]:
    stand_in = Aplay(tmp_path / "bin")
    monkeypatch.setenv("PATH", stand_in.path)
    yield stand_in
    assert stand_in.alive() == []  # no test leaves one behind


@pytest.fixture
def message(tmp_path: Path) -> Path:
    """A message of LENGTH."""
    import wave

    path = tmp_path / "message.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        tone = np.sin(np.arange(round(LENGTH * 8000)) / 3) * 20000
        file.writeframes(tone.astype("<i2").tobytes())
    return path


@pytest.fixture
def output(aplay: Aplay, message: Path) -> Iterator[SoundOutput]:  # noqa: ARG001 - aplay is first on PATH
    opened = SoundOutput(SoundSettings(file=str(message), pause=1.0, device="plughw:CARD=Device"))
    yield opened
    opened.close()


def soon(happened: Callable[[], bool]) -> bool:
    """Whether it happens; real time, because another process does it."""
    end = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def finished(output: SoundOutput, aplay: Aplay, now: float) -> float:
    """Beat until the sound that plays is over; what the last beat wanted to wait."""
    ended = aplay.ended()
    assert soon(lambda: aplay.ended() > ended)
    assert soon(lambda: aplay.alive() == [])
    return output.beat(now)


def sounds(output: SoundOutput, aplay: Aplay, now: float) -> None:
    """Beat in an alert, and wait until aplay has begun."""
    output.show(A)
    assert output.beat(now) == sound.POLL
    assert soon(lambda: aplay.alive() != [])


def quiet(output: SoundOutput, aplay: Aplay) -> int:
    """The first beat, which looks at the device; calls so far."""
    output.show(W)
    output.beat(0.0)
    return len(aplay.calls())


def test_in_an_alert_it_plays_the_file_again_after_each_pause(output: SoundOutput, aplay: Aplay, message: Path) -> None:
    calls = quiet(output, aplay)
    output.show(A)
    assert output.beat(10.0) == sound.POLL
    assert finished(output, aplay, 10.5) == pytest.approx(1.0)  # the pause
    assert output.beat(11.4) == pytest.approx(0.1)
    assert len(aplay.calls()) == calls + 1
    assert output.beat(11.5) == sound.POLL
    assert soon(lambda: len(aplay.calls()) == calls + 2)
    finished(output, aplay, 12.0)
    assert aplay.played() == read(message, 1.0).frames * 2


def test_what_aplay_is_told(output: SoundOutput, aplay: Aplay) -> None:
    quiet(output, aplay)
    words, _, _ = aplay.calls()[0].rpartition(" pid=")
    assert words.startswith("-q -D plughw:CARD=Device -t raw -f S16_LE -r 8000 -c 1 ")
    assert "--buffer-time=250000" in words  # so much may still sound after it was stopped


@pytest.mark.parametrize("signal_", [W, M, F])
def test_the_alerts_end_stops_it_at_once(output: SoundOutput, aplay: Aplay, signal_: Signal) -> None:
    quiet(output, aplay)
    aplay.does("hang")  # or it might end by itself
    sounds(output, aplay, 1.0)
    output.show(signal_)
    ended = aplay.ended()
    output.beat(1.1)
    assert aplay.alive() == []
    assert aplay.ended() == ended  # cut short
    output.show(A)
    assert output.beat(1.2) == sound.POLL  # the next alert sounds at once, not after a pause


def test_mute_silences_at_once_and_ends_by_itself(output: SoundOutput, aplay: Aplay) -> None:
    calls = quiet(output, aplay)
    aplay.does("hang")
    sounds(output, aplay, 1.0)
    output.mute(until=30.0)
    assert output.beat(1.1) == pytest.approx(28.9)
    assert aplay.alive() == []
    output.beat(29.9)
    assert len(aplay.calls()) == calls + 1
    assert output.beat(30.0) == sound.POLL


@pytest.mark.parametrize("signal_", [None, W, M, F])
@pytest.mark.parametrize("muted_until", [0.0, 100.0])
def test_a_test_plays_it_muted_or_not_and_ends(
    output: SoundOutput, aplay: Aplay, signal_: Signal | None, muted_until: float
) -> None:
    if signal_:
        output.show(signal_)
    output.mute(muted_until)
    output.beat(5.0)
    output.test(until=8.0)
    assert output.beat(5.0) == sound.POLL
    assert finished(output, aplay, 5.5) == pytest.approx(1.0)
    aplay.does("hang")
    output.beat(6.5)
    assert soon(lambda: aplay.alive() != [])
    output.beat(8.0)
    assert aplay.alive() == []


def test_nothing_sounds_before_and_between_alerts(output: SoundOutput, aplay: Aplay) -> None:
    for now, signal_ in enumerate((W, M, F, W)):
        output.show(signal_)
        output.beat(float(now))
    assert aplay.played() == b""


# -- a device that fails ---------------------------------------------------------------------------------------------

GONE = "ALSA lib confmisc.c:165:(snd_config_get_card) No card\naplay: main:831: audio open error: No such device"
FAILURES = {
    GONE: "audio open error: No such device; is it plugged in? `aplay -L` shows",
    "aplay: main:831: audio open error: Device or resource busy": "another program plays on it",
    "aplay: main:831: audio open error: Permission denied": "sudo usermod -aG audio $USER",
    "aplay: set_params:1403: Sample format non available": "Sample format non available; begin its name with plughw:",
    "ALSA lib pcm_x.c:1: Connection refused\naplay: main:831: audio open error: Connection refused": "a sound server",
    "something else": "something else; `aplay -L`",
    "": "aplay ended with 1; `aplay -L`",
}


@pytest.mark.parametrize(("text", "expected"), FAILURES.items())
def test_a_device_that_does_not_open_is_a_failing_output_with_its_reason(
    output: SoundOutput, aplay: Aplay, text: str, expected: str
) -> None:
    aplay.does(f"fail {text}")
    output.show(W)
    with pytest.raises(OutputError) as caught:
        output.beat(0.0)
    assert str(caught.value).startswith("sound: device 'plughw:CARD=Device': ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_device_that_is_unplugged_in_silence_is_noticed_before_the_next_alert(
    output: SoundOutput, aplay: Aplay
) -> None:
    assert quiet(output, aplay) == 1
    assert output.beat(PROBE - 1) == pytest.approx(1.0)
    assert len(aplay.calls()) == 1
    aplay.does(f"fail {GONE}")
    with pytest.raises(OutputError, match="is it plugged in"):
        output.beat(PROBE)


def test_it_fails_until_it_works_again_and_is_not_tried_all_the_time(output: SoundOutput, aplay: Aplay) -> None:
    aplay.does(f"fail {GONE}")
    output.show(W)
    errors = []
    for now in range(round(2 * RETRY)):  # the bus beats once a second
        with pytest.raises(OutputError, match="is it plugged in") as caught:
            output.beat(float(now))
        errors.append(caught.value)
    assert len(aplay.calls()) == 2
    assert len(set(map(id, errors))) == len(errors)  # one raised again and again would grow
    aplay.does(None)
    assert output.beat(2 * RETRY) > 0
    assert output.beat(2 * RETRY + 1) > 0


def test_in_an_alert_it_is_tried_at_every_beat_and_never_seems_to_work(output: SoundOutput, aplay: Aplay) -> None:
    quiet(output, aplay)
    aplay.does(f"fail {GONE}")
    output.show(A)
    output.beat(1.0)
    assert soon(lambda: aplay.alive() == [] and len(aplay.calls()) == 2)
    for now in (1.1, 2.1, 3.1, 4.1):  # no beat in between looks well
        with pytest.raises(OutputError):
            output.beat(now)
    aplay.does(None)
    assert output.beat(5.1) == sound.POLL
    assert soon(lambda: aplay.played() != b"")


def test_a_sound_that_hangs_is_ended_and_is_a_failure(output: SoundOutput, aplay: Aplay) -> None:
    quiet(output, aplay)
    aplay.does("hang")
    output.show(A)
    output.beat(1.0)
    assert output.beat(1.0 + LENGTH + player.SLACK - 0.1) == sound.POLL
    with pytest.raises(OutputError, match=r"still plays after \d+ s what takes 0\.3 s; is it stuck"):
        output.beat(1.0 + LENGTH + player.SLACK + 0.1)
    assert aplay.alive() == []


def test_a_device_that_hangs_while_it_opens_does_not_hold_up_its_thread_for_long(
    output: SoundOutput, aplay: Aplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "OPENS_WITHIN", 0.3)
    aplay.does("hang")
    output.show(W)
    with pytest.raises(OutputError, match="does not open within"):
        output.beat(0.0)
    assert aplay.alive() == []


def test_a_device_that_plays_nothing_is_a_failure(output: SoundOutput, aplay: Aplay) -> None:
    quiet(output, aplay)
    aplay.does("haste")
    output.show(A)
    output.beat(1.0)
    with pytest.raises(OutputError, match=r"took 0\.3 s of sound in 0\.1 s: it plays nothing"):
        finished(output, aplay, 1.1)


def test_one_that_is_killed_is_a_failure(output: SoundOutput, aplay: Aplay) -> None:
    quiet(output, aplay)
    output.show(A)
    output.beat(1.0)
    assert soon(lambda: len(aplay.alive()) == 1)
    os.kill(aplay.alive()[0], signal.SIGKILL)
    assert soon(lambda: aplay.alive() == [])
    with pytest.raises(OutputError, match="aplay was ended by signal 9"):
        output.beat(1.1)


def test_a_process_that_writes_a_lot_of_complaints_is_not_held_up_by_them(output: SoundOutput, aplay: Aplay) -> None:
    quiet(output, aplay)
    aplay.does("chatter")
    output.show(A)
    output.beat(1.0)
    assert finished(output, aplay, 1.5) == pytest.approx(1.0)


def test_one_that_cannot_be_killed_is_a_failure_and_nothing_is_started_beside_it(
    output: SoundOutput, aplay: Aplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = quiet(output, aplay)
    output.show(A)
    output.beat(1.0)
    assert soon(lambda: len(aplay.calls()) == calls + 1)
    process = output._player._process
    assert process
    with monkeypatch.context() as driver:
        driver.setattr(process, "kill", lambda: None)
        driver.setattr(player, "DIES_WITHIN", 0.0)
        aplay_alive = aplay.alive()
        output.show(W)
        for now in (1.1, 20.0):
            with pytest.raises(OutputError, match="does not release aplay, which cannot be ended"):
                output.beat(now)
        assert aplay.alive() == aplay_alive
        assert len(aplay.calls()) == calls + 1
    output.beat(40.0)
    assert aplay.alive() == []


def test_without_aplay_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputError, match=r"^sound: aplay is not installed; sudo apt install alsa-utils$"):
        SoundOutput(SoundSettings())


@pytest.mark.usefixtures("aplay")
def test_a_file_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^sound: file '.*absent.wav': No such file"):
        SoundOutput(SoundSettings(file=str(tmp_path / "absent.wav")))


# -- whatever happens in whatever order ------------------------------------------------------------------------------


class Device:
    """In a Player's place: time is data, and the device works or not as it is told."""

    works = True

    def __init__(self, *_: object) -> None:
        self.until: float | None = None  # seconds, when what plays is over

    def start(self, now: float) -> None:
        assert self.until is None, "two at a time"
        self.until = now + LENGTH

    def is_playing(self, now: float) -> bool:
        if not self.works:
            self.stop()
            raise OutputError("gone")
        if self.until is not None and now >= self.until:
            self.until = None
        return self.until is not None

    def probe(self, within: float) -> None:  # noqa: ARG002
        assert self.until is None, "two at a time"
        if not self.works:
            raise OutputError("gone")

    def stop(self) -> None:
        self.until = None

    def close(self) -> None:
        self.stop()


STEPS = st.sampled_from(["show A", "show W", "show F", "mute", "sound", "test", "unplug", "plug", "wait", "wait long"])


@given(st.lists(STEPS, max_size=40))
def test_it_sounds_when_it_is_wanted_and_only_then_and_a_lost_device_is_never_well(steps: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sound, "Player", Device)
        patched.setattr(sound, "PROBE", 20.0)  # seconds
        output = SoundOutput(SoundSettings(pause=1.0))
        device: Device = output._player  # type: ignore[assignment]
        now, shown, muted, tested, sounded = 0.0, None, -1.0, -1.0, 0.0
        for step in steps:
            lasts = 0.0  # seconds until the next step
            match step.split():
                case ["show", letter]:
                    shown = {"A": A, "W": W, "F": F}[letter]
                    output.show(shown)
                case ["mute"]:
                    output.mute(muted := now + 5.0)
                case ["sound"]:
                    output.mute(muted := -1.0)
                case ["test"]:
                    output.test(tested := now + 3.0)
                case ["unplug" | "plug" as what]:
                    device.works = what == "plug"
                case ["wait", *long]:
                    lasts = 25.0 if long else 0.7
            end = now + lasts
            while True:
                wanted = now < tested or (shown is A and now >= muted)
                try:
                    wait, well = output.beat(now), True
                except OutputError:
                    wait, well = 1.0, False  # as line.RETRY
                if device.until is not None or not wanted or not well:
                    sounded = now
                assert wanted or device.until is None, "it sounds, and nobody wants it"
                assert now - sounded <= 1.0 + 1e-6, "it is silent for longer than the pause"
                assert well or device.until is None
                if well and not wanted:
                    assert device.works or now < output._probe_due, "a lost device seems well"
                if not well and device.works:
                    assert not wanted, "it fails in an alert, and the device works"
                if now + wait > end:
                    break
                now += wait
            now = end


# -- the end ---------------------------------------------------------------------------------------------------------


def test_closing_stops_it_and_nothing_starts_afterwards(output: SoundOutput, aplay: Aplay) -> None:
    quiet(output, aplay)
    aplay.does("hang")
    sounds(output, aplay, 1.0)
    output.close()
    output.close()
    assert aplay.alive() == []
    calls = len(aplay.calls())
    output.test(100.0)
    output.beat(50.0)
    assert len(aplay.calls()) == calls


def test_on_its_own_thread_an_alert_is_heard_and_its_end_silences_it(aplay: Aplay, message: Path) -> None:
    outputs = Outputs([SoundOutput(SoundSettings(file=str(message), pause=0.0))])
    outputs.show(W)
    assert soon(lambda: len(aplay.calls()) == 1)
    outputs.show(A)
    assert soon(lambda: aplay.ended() >= 3)  # the look at the device, and two plays
    outputs.show(W)
    assert soon(lambda: aplay.alive() == [])
    outputs.show(A)
    assert soon(lambda: aplay.alive() != [])
    outputs.close()
    assert aplay.alive() == []


DAEMON = """
import sys, time
from maskwatch.config import SoundSettings
from maskwatch.flow import Signal
from maskwatch.outputs import Outputs
from maskwatch.outputs.sound import SoundOutput
outputs = Outputs([SoundOutput(SoundSettings(file=sys.argv[1]))])
outputs.show(Signal.ALERT)
time.sleep(100)
"""


@pytest.mark.skipif(player.shutil.which("setpriv") is None, reason="setpriv (util-linux) is not installed")
def test_the_sound_does_not_outlive_a_daemon_that_is_killed(aplay: Aplay, message: Path) -> None:
    aplay.does("hang")  # else it would end by itself
    daemon = subprocess.Popen([sys.executable, "-c", DAEMON, str(message)])
    assert soon(lambda: len(aplay.alive()) == 1)
    daemon.kill()
    daemon.wait()
    assert soon(lambda: aplay.alive() == [])


# -- check and test-alert --------------------------------------------------------------------------------------------


def test_check_says_what_plays_for_how_long_on_what(aplay: Aplay, message: Path) -> None:
    assert sound.described(SoundSettings(file=str(message))) == "message.wav plays 0.3 s to device 'default'"
    assert sound.described(SoundSettings()) == "the built-in chime plays 1.2 s to device 'default'"
    assert aplay.played() == b""
    aplay.does(f"fail {GONE}")
    with pytest.raises(OutputError, match="is it plugged in"):
        sound.described(SoundSettings())


def test_test_alert_plays_the_whole_clip_once(aplay: Aplay, message: Path) -> None:
    said: list[str] = []
    settings = OutputsSettings(sound=SoundSettings(file=str(message), volume=0.5))
    assert output_trial.play_each(settings, said.append, time.sleep) == 1
    assert said == ["sound: message.wav, 0.3 s, to device 'default' (alert)"]
    assert aplay.played() == read(message, 0.5).frames
    assert aplay.ended() == 1


def test_test_alert_that_is_stopped_is_silent(aplay: Aplay, message: Path) -> None:
    def interrupted(_: float) -> None:
        assert soon(lambda: len(aplay.alive()) == 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        output_trial.play_each(OutputsSettings(sound=SoundSettings(file=str(message))), print, interrupted)
    assert aplay.alive() == []


def test_a_sound_counts_as_an_alarm() -> None:
    assert OutputsSettings(sound=SoundSettings()).tell_of_alarm
    assert SoundOutput.shows_alerts


# -- the real aplay --------------------------------------------------------------------------------------------------

ASOUNDRC = """
pcm.filed {{ type file slave.pcm "null" file "{0}/out.raw" format "raw" }}
pcm.nothing {{ type null }}
"""


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ALSA's devices `filed`, which writes out.raw in the folder, and `nothing`."""
    if player.shutil.which("aplay") is None:
        pytest.skip("aplay (alsa-utils) is not installed")
    (tmp_path / ".asoundrc").write_text(ASOUNDRC.format(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_real_aplay_takes_every_byte(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "HASTE", 0.0)  # a file takes no time
    output_trial.play_each(OutputsSettings(sound=SoundSettings(device="filed", volume=0.5)), print, time.sleep)
    frames = chime(0.5).frames
    assert (real / "out.raw").read_bytes().rstrip(b"\0") == frames.rstrip(b"\0")  # it fills its last period


def test_the_real_aplay_opens_a_device_without_a_sound(real: Path) -> None:
    assert sound.described(SoundSettings(device="filed")).endswith("plays 1.2 s to device 'filed'")
    assert set((real / "out.raw").read_bytes()) == {0}


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("device", ["nosuch", "plughw:CARD=Nosuch", "hw:31"])
def test_the_real_aplay_has_no_such_device(device: str) -> None:
    with pytest.raises(OutputError, match=r"audio open error: .*; is it plugged in\? `aplay -L` shows"):
        sound.described(SoundSettings(device=device))


@pytest.mark.usefixtures("real")
def test_the_real_null_device_does_not_count_as_playing() -> None:
    with pytest.raises(OutputError, match="it plays nothing"):
        output_trial.play_each(OutputsSettings(sound=SoundSettings(device="nothing")), print, time.sleep)
