"""Plays one sound at a time with ALSA's `aplay`, which every Raspberry Pi OS has (alsa-utils).

It is a separate process, so a hanging driver cannot block the daemon, and killing the process ends the sound at once.
Alternatives: pyalsaaudio 0.11 needs a compiler and plays on the caller's thread; sounddevice needs PortAudio, which
Raspberry Pi OS Lite does not have.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess

from maskwatch.errors import OutputError
from maskwatch.outputs.wav import Clip, in_memory

SLACK = 5.0  # seconds that playing may take longer than the sound, e.g. because the device has to wake up
HASTE = 0.5  # share of the sound's length; if playing ends sooner, nothing was heard (e.g. ALSA's device `null`)
DIES_WITHIN = 0.3  # seconds to wait for a killed process
BUFFER = ("--buffer-time=250000", "--period-time=50000")  # microseconds; how much may still be heard after the end
NAMES = "`aplay -L` shows the names there are"
HINTS = (  # (what aplay says, what helps)
    ("No such file|No such device|Unknown PCM|Invalid card", f"is it plugged in? {NAMES}"),
    ("busy", "another program plays on it: name a device that can be shared, such as `default`"),
    ("ermission denied", "sudo usermod -aG audio $USER, then log in again"),
    ("not available|non available|Unable to install hw params", "begin its name with plughw: in place of hw:"),
    ("refused", "a sound server of a user is not there for the service: name a plughw: device, see `aplay -L`"),
)


class Player:
    """Plays one clip on one device, again and again. Times are seconds of the caller's clock."""

    def __init__(self, clip: Clip, device: str) -> None:
        """
        Args:
            clip: to play.
            device: ALSA's name of the device; `aplay -L` lists them.

        Raises:
            OutputError: aplay is not installed.
        """
        self._seconds, self._device = clip.seconds, device  # without the samples, which are in the memory file
        self._command = _command(clip, device)
        self._samples = in_memory(clip)
        self._said = os.memfd_create("maskwatch-aplay")  # for stderr; a full pipe would stop aplay
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._closed = False

    def start(self, now: float) -> None:
        """Start to play; a sound that plays already is stopped first.

        Raises:
            OutputError: the process cannot be started, or the last one cannot be ended.
        """
        with open(f"/proc/self/fd/{self._samples}", "rb") as samples:  # noqa: PTH123 - opened again for a separate file offset
            self._spawn(samples.fileno())
        self._began = now

    def is_playing(self, now: float) -> bool:
        """Whether the sound still plays.

        Raises:
            OutputError: aplay failed, or took much too long or too short a time. It is stopped before.
        """
        if self._process is None:
            return False
        elapsed, lasts, code = now - self._began, self._seconds, self._process.poll()
        if code is None and elapsed <= lasts + SLACK:
            return True
        self.stop()
        if code is None:
            raise self._error(f"still plays after {elapsed:.0f} s what takes {lasts:.1f} s", "is it stuck?")
        if code:
            raise self._failure(code)
        if elapsed < HASTE * lasts:
            raise self._error(f"took {lasts:.1f} s of sound in {elapsed:.1f} s: it plays nothing", "name another")
        return False

    def probe(self, within: float) -> None:
        """Open the device, play a moment of silence (aplay fills one period), and close it again.

        Args:
            within: seconds that the caller waits at most.

        Raises:
            OutputError: it cannot be opened.
        """
        self._spawn(subprocess.DEVNULL)
        process = self._process
        try:
            code = process.wait(within) if process else 0
        except subprocess.TimeoutExpired as error:
            raise self._error(f"does not open within {within:g} s", "is it stuck?") from error
        finally:
            self.stop()
        if code:
            raise self._failure(code)

    def stop(self) -> None:
        """Stop the sound now. A second call does nothing.

        Raises:
            OutputError: the process cannot be ended, because its driver hangs. No second one is started then.
        """
        process = self._process
        if process is None:
            return
        process.kill()  # after SIGTERM, aplay would still play its buffer
        try:
            process.wait(DIES_WITHIN)
        except subprocess.TimeoutExpired as error:
            what = "does not release aplay, which cannot be ended"
            raise self._error(what, "unplug it, or restart the Pi") from error
        self._process = None

    def close(self) -> None:
        """Stop permanently; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self.stop()
        finally:
            for descriptor in (self._samples, self._said):
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    def _spawn(self, stdin: int) -> None:
        self.stop()
        if self._closed:
            return
        os.ftruncate(self._said, 0)
        os.lseek(self._said, 0, os.SEEK_SET)
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                env={**os.environ, "LC_ALL": "C"},  # English messages, which HINTS matches
                start_new_session=True,  # so that Ctrl-C reaches the daemon only
            )
        except OSError as error:
            raise self._error(f"aplay cannot be started ({error.strerror})", "sudo apt install alsa-utils") from error

    def _failure(self, code: int) -> OutputError:
        if code < 0:
            return self._error(f"aplay was ended by signal {-code}", "is there enough memory?")
        text = os.pread(self._said, 4096, 0).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        *_, last = [f"aplay ended with {code}", *lines, *(line for line in lines if line.startswith("aplay:"))]
        remedies = [remedy for pattern, remedy in HINTS if re.search(pattern, text)] or [NAMES]
        return self._error(re.sub(r"^aplay: \w+:\d+: ", "", last), remedies[0])

    def _error(self, what: str, remedy: str) -> OutputError:
        return OutputError(f"sound: device {self._device!r}: {what}; {remedy}")


def _command(clip: Clip, device: str) -> list[str]:
    """The command: aplay, which the kernel kills when the daemon dies for any reason (util-linux's setpriv sets that
    up)."""
    aplay, setpriv = shutil.which("aplay"), shutil.which("setpriv")
    if aplay is None:
        raise OutputError("sound: aplay is not installed; sudo apt install alsa-utils")
    leash = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    raw = ["-t", "raw", "-f", "S16_LE", "-r", str(clip.rate), "-c", str(clip.channels)]
    return [*leash, aplay, "-q", "-D", device, *raw, *BUFFER]
