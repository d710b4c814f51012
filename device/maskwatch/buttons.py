"""Push buttons: mute and test. A press only queues; nothing waits for it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from maskwatch.config import ButtonSettings, ButtonsSettings
from maskwatch.outputs import Outputs
from maskwatch.outputs.claim import claim

logger = logging.getLogger(__name__)
BOUNCE = 0.05  # seconds a contact may chatter; fingers are slower
TEST_LASTS = 3.0  # seconds of alert a press of the test button plays


class Buttons:
    """The buttons that the settings name, pressing on `outputs` until closed.

    Raises:
        OutputError: a pin cannot be used; the others are given back.
    """

    def __init__(self, settings: ButtonsSettings, outputs: Outputs) -> None:
        self._outputs = outputs
        self.mute_lasts = settings.mute.lasts if settings.mute else 0.0  # seconds
        with contextlib.ExitStack() as opened:
            if mute := settings.mute:
                opened.callback(press("mute", mute, self._mute).close)
            if settings.test:
                opened.callback(press("test", settings.test, self._test).close)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Give the pins back; a second call does nothing."""
        self._opened.close()

    def _mute(self) -> None:
        lasts = self.mute_lasts
        on = not self._outputs.muted
        self._outputs.mute(on, lasts)
        logger.info("muted for %g s" if on else "muted no longer (would have been %g s)", lasts)

    def _test(self) -> None:
        logger.info("test: the alert for %g s", TEST_LASTS)
        self._outputs.test(TEST_LASTS)


def press(name: str, settings: ButtonSettings, do: Callable[[], None]) -> Any:
    """A gpiozero Button that calls `do` at each press, from a thread of gpiozero's.

    Raises:
        OutputError: the pin cannot be used.
    """
    button = claim(
        f"{name} button",
        settings.pin,
        f"[buttons.{name}]",
        lambda gpiozero: gpiozero.Button(settings.pin, pull_up=settings.pull_up, bounce_time=BOUNCE),
    )
    button.when_pressed = do
    return button
