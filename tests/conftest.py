"""For all tests."""

from collections.abc import Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from hypothesis import settings

settings.register_profile("shared", deadline=None)  # machines are shared: a slow example proves nothing
settings.load_profile("shared")


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    """Pins that are no pins, for this test alone."""
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.close()
    Device.pin_factory = before
