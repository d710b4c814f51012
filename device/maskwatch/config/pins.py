"""What is connected to GPIO pins: [outputs], which an alert drives, and [buttons]."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from maskwatch.config.section import PathText, Section, seconds_or_never
from maskwatch.config.value_shown import found

PULLED_UP = (2, 3)  # BCM numbers of the I2C pins, which every Pi pulls up
Bcm = Annotated[int, Field(ge=0, le=27)]


class Pattern(Section):
    """`{ times = 2, on = 0.1, off = 0.1, every = 1.0 }`: each second two pulses of 0.1 s with 0.1 s between them."""

    times: int = Field(default=1, ge=1, le=20)
    """Pulses in a row."""
    on: float = Field(ge=0.01, le=60)
    """Seconds of a pulse."""
    off: float = Field(default=0.1, ge=0.01, le=60)
    """Seconds between two pulses."""
    every: float = Field(gt=0, le=3600)
    """Seconds from the start of one row of pulses to the start of the next."""

    @model_validator(mode="after")
    def _fits(self) -> Pattern:
        row = self.times * self.on + (self.times - 1) * self.off
        if row >= self.every:
            raise ValueError(f"{self.times} pulses take {row:g} s, which leaves no pause in every = {self.every:g} s")
        return self


def _a_rhythm(value: Any) -> Any:
    """See _a_focus: a table is validated as a Pattern alone, so that the error names the wrong key in it."""
    if isinstance(value, dict):
        return Pattern.model_validate(value)
    if value != "steady" and not isinstance(value, Pattern):
        raise ValueError(f'found {found(value)}, expected "steady" or e.g. {{ times = 2, on = 0.1, every = 1.0 }}')
    return value


Rhythm = Annotated[Literal["steady"] | Pattern, BeforeValidator(_a_rhythm)]
SHORTEST_PULSE = 0.05  # seconds; a shorter one is hardly noticed
LONGEST_ROW = 60.0  # seconds; with a longer one an alert is noticed too late


def _noticed(play: Literal["steady"] | Pattern) -> Literal["steady"] | Pattern:
    """Check that a pattern that shows an alert is heard or seen at least once a minute."""
    if play != "steady" and (play.on < SHORTEST_PULSE or play.every > LONGEST_ROW):
        raise ValueError(
            f"on = {play.on:g}, every = {play.every:g} is hardly noticed; "
            f"expected on of {SHORTEST_PULSE:g} s or more, and every of {LONGEST_ROW:g} s at most"
        )
    return play


AlertRhythm = Annotated[Literal["steady"] | Pattern, BeforeValidator(_a_rhythm), AfterValidator(_noticed)]
BEEPS = Pattern(times=2, on=0.1, off=0.1, every=1.0)


class PinSettings(Section):
    """One GPIO pin."""

    pin: Bcm
    """BCM number, not the position on the header."""
    active_high: bool = True
    """true: 3.3 V means on. false: for boards that switch on at 0 V."""


class LedSettings(PinSettings):
    """[outputs.led]: a lamp that is on in an alert."""

    pattern: AlertRhythm = "steady"
    """How it lights in an alert."""


class BuzzerSettings(PinSettings):
    """[outputs.buzzer]."""

    kind: Literal["active", "passive"] = "active"
    """active: sounds when it gets a steady voltage. passive: needs a tone."""
    tone: float = Field(default=2700.0, ge=100, le=10000)
    """Hertz, for a passive buzzer; most are loudest near 2,700."""
    pattern: AlertRhythm = BEEPS
    """How it sounds in an alert."""


class RelaySettings(PinSettings):
    """[outputs.relay]: a siren, a door, a lamp of another voltage."""

    when: Literal["alert", "masked"] = "alert"
    """alert: it is on in an alert. masked: it is on while somebody masked is in view and nobody bare or in doubt, e.g.
    to open a door; then mute, the test button and quiet hours do not affect it."""
    pattern: Rhythm = "steady"
    """How it switches while it is on."""
    mutes: bool = False
    """Whether the mute button silences it, like the buzzer."""

    @model_validator(mode="after")
    def _a_door_is_not_muted(self) -> RelaySettings:
        if self.when == "masked" and self.mutes:
            raise ValueError('mutes = true silences a relay with when = "alert"; with "masked" it makes no sound')
        if self.when == "alert":
            _noticed(self.pattern)
        return self


class LampSettings(Section):
    """[outputs.lamp]: red and green LED, or an RGB LED. Green: watching. Red: alert. Slow blinking red: a fault."""

    red: Bcm
    """BCM number."""
    green: Bcm
    """BCM number."""
    blue: Bcm | None = None
    """BCM number; on while muted. Absent: there are a red and a green LED only."""
    active_high: bool = True
    """false for a common anode."""
    pattern: AlertRhythm = "steady"
    """How the red lights in an alert."""


class SoundSettings(Section):
    """[outputs.sound]: a chime or a spoken message through a loudspeaker, by ALSA's aplay."""

    file: PathText | None = None
    """A WAV file of one minute at most. Absent: a built-in chime."""
    volume: float = Field(default=1.0, ge=0.05, le=1)
    """Factor on the file's loudness, 0.05–1. The volume of the sound device is not changed."""
    device: str = Field(default="default", min_length=1, max_length=200, pattern=r"^[!-~]([ -~]*[!-~])?$")
    """ALSA's name of the sound device; `aplay -L` lists them."""
    pause: float = Field(default=2.0, ge=0, le=60)
    """Seconds of silence between two plays in one alert."""


class OutputsSettings(Section):
    """[outputs]: what an alert drives. If a section is absent, that output does not exist."""

    give_up: Annotated[float, seconds_or_never(1, 3600)] = 60.0
    """Seconds without any working output that shows alerts, after which the daemon exits and systemd starts it
    again; 0: never."""
    buzzer: BuzzerSettings | None = None
    led: LedSettings | None = None
    lamp: LampSettings | None = None
    relay: RelaySettings | None = None
    sound: SoundSettings | None = None

    @property
    def tell_of_alarm(self) -> bool:
        """Whether an output would be heard or seen in an alert; a relay that opens a door for masked people would
        not."""
        loud = self.relay is not None and self.relay.when == "alert"
        return loud or any((self.buzzer, self.led, self.lamp, self.sound))


class ButtonSettings(Section):
    """[buttons.mute], [buttons.test]: a push button between a pin and ground. If the section is absent, it does not
    exist."""

    pin: Bcm
    """BCM number."""
    pull_up: bool = True
    """true: pressed means ground, and the Pi's internal resistor pulls the pin up. false: pressed means 3.3 V."""

    @model_validator(mode="after")
    def _not_against_the_board(self) -> ButtonSettings:
        if self.pin in PULLED_UP and not self.pull_up:
            raise ValueError(
                f"GPIO{self.pin} has a resistor on the board that pulls it up: it takes pull_up = true, or another pin"
            )
        return self


class MuteSettings(ButtonSettings):
    """[buttons.mute]: silences the sound; a second press turns it on again."""

    lasts: float = Field(default=300.0, ge=1, le=14400)
    """Seconds until the sound comes back by itself."""


class ButtonsSettings(Section):
    """[buttons]."""

    mute: MuteSettings | None = None
    test: ButtonSettings | None = None
