"""The workshops use oneDNN's kernels on every processor, unless the user decides otherwise."""

import os
import platform
import subprocess
import sys

import pytest

from training.runs import kernels


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="for x86-64")
@pytest.mark.parametrize(("given", "expected"), [({}, "1"), ({kernels.SWITCH: "0"}, "0")])
def test_the_switch_is_set_once_the_workshop_is_imported(given: dict[str, str], expected: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != kernels.SWITCH} | given
    code = f"import os, sys, training; print(os.environ['{kernels.SWITCH}'], 'tensorflow' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert told.stdout.split() == [expected, "False"]


def test_other_processors_keep_tensorflows_own_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernels.SWITCH, raising=False)
    monkeypatch.setattr(kernels.platform, "machine", lambda: "aarch64")
    kernels.prefer_onednn()
    assert kernels.SWITCH not in os.environ
