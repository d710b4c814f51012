"""What a test needs in addition to the package: the shipped bundles, the demo's portrait, a program."""

import importlib.util
import os
import sys

import pytest

from maskwatch.vision import bundle

BUNDLES = pytest.mark.skipif(
    not all(bundle.default_path(task).exists() for task in ("face", "mask")),
    reason="the default bundles are not in device/maskwatch/models",
)
DEMO = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="the demo's portrait is in extra `demo`"
)
MOCK = {**os.environ, "GPIOZERO_PIN_FACTORY": "mock"}
COMMAND = [sys.executable, "-c", "from maskwatch.cli import main; main()"]
