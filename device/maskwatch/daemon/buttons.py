"""Push buttons: mute and test. A press only queues a message; nothing waits for its effect."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from maskwatch.config import ButtonSettings, ButtonsSettings
from maskwatch.outputs import Outputs
from maskwatch.pins.claim import claim

logger = logging.getLogger(__name__)
BOUNCE = 0.05  # seconds of contact bounce that are ignored; fingers are slower
TEST_LASTS = 3.0  # seconds of alert that the test button plays
MANY, WITHIN = 10, 30.0  # presses, seconds: so many presses in this time are a fault, not a finger
QUIET = 30.0  # seconds without a press after which a loose contact counts as mended


class Contact:
    """Recognises a loose wire or water in the switch, which would mute the unit or play the alert all night."""

    def __init__(self, name: str, loose: Callable[[], None] = lambda: None) -> None:
        """
        Args:
            name: of the button, for the log.
            loose: called once when presses start to come too fast.
        """
        self._name, self._loose = name, loose
        self._presses: deque[float] = deque(maxlen=MANY)  # seconds
        self._is_loose = False

    def pressed(self, now: float) -> bool:
        """Whether a press at `now`, in seconds, is obeyed."""
        newest = self._presses[-1] if self._presses else -math.inf
        if self._is_loose and now - newest >= QUIET:
            self._is_loose = False
            self._presses.clear()
            logger.info("%s button: counts again", self._name)
        self._presses.append(now)
        if not self._is_loose and len(self._presses) == MANY and now - self._presses[0] < WITHIN:
            self._is_loose = True
            logger.warning(
                "%s button: %d presses within %.0f s: is a wire loose? It is ignored until it is quiet for %.0f s",
                *(self._name, MANY, now - self._presses[0], QUIET),
            )
            self._loose()
        return not self._is_loose


class Buttons:
    """The buttons that the settings name. They act on `outputs` until they are closed.

    Raises:
        OutputError: a pin cannot be used; the others are released.
    """

    def __init__(
        self, settings: ButtonsSettings, outputs: Outputs, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            settings: [buttons].
            outputs: what is muted and tested.
            clock: seconds.
        """
        self._outputs, self._clock = outputs, clock
        self.mute_lasts = settings.mute.lasts if settings.mute else 0.0  # seconds
        self._mute_contact = Contact("mute", loose=lambda: outputs.mute(False))
        self._test_contact = Contact("test")
        with contextlib.ExitStack() as opened:
            for name, button, do in (("mute", settings.mute, self._mute), ("test", settings.test, self._test)):
                if button:
                    opened.callback(_opened(name, button, do).close)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Release the pins; a second call does nothing."""
        self._opened.close()

    def _mute(self) -> None:
        if not self._mute_contact.pressed(self._clock()):
            return
        lasts = self.mute_lasts
        on = not self._outputs.muted
        self._outputs.mute(on, lasts)
        logger.info("muted for %g s" if on else "not muted any more (would have been %g s)", lasts)

    def _test(self) -> None:
        if not self._test_contact.pressed(self._clock()):
            return
        logger.info("test: the alert for %g s", TEST_LASTS)
        self._outputs.test(TEST_LASTS)


def _opened(name: str, settings: ButtonSettings, do: Callable[[], None]) -> Any:
    button = press(name, settings, do)
    if button.is_pressed:
        logger.warning("%s button: GPIO%d is pressed at the start; is it stuck, or wired wrong?", name, settings.pin)
    return button


def press(name: str, settings: ButtonSettings, do: Callable[[], None]) -> Any:
    """A gpiozero Button that calls `do` at each press, on a thread of the pin library.

    Raises:
        OutputError: the pin cannot be used, or does not report its edges.
    """

    def make(gpiozero: Any) -> Any:
        button = gpiozero.Button(settings.pin, pull_up=settings.pull_up, bounce_time=BOUNCE)
        try:
            button.when_pressed = lambda: _done(name, do)
        except BaseException:
            button.close()
            raise
        return button

    return claim(f"{name} button", settings.pin, f"[buttons.{name}]", make)


def _done(name: str, do: Callable[[], None]) -> None:
    """Call `do` and log its exception: it would end lgpio's thread, which serves all buttons."""
    try:
        do()
    except Exception:
        logger.exception("%s button: a press failed; the next one is tried", name)
