"""TensorFlow is imported without a line on stderr, and what is written there afterwards is shown."""

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs extra `train`")
# TensorFlow sets this variable itself, so a process in which it was imported hands it on
LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def run(code: str) -> tuple[str, str]:
    clean = {name: value for name, value in os.environ.items() if name != LEVEL}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=clean)
    return done.stdout, done.stderr


@pytest.mark.parametrize("workshop", ["training", "convert.bundles", "convert.shapes"])
def test_a_workshop_imports_tensorflow_silently(workshop: str) -> None:
    told = run(
        f"import sys, {workshop}, tensorflow; print(tensorflow.constant(1).shape); print('seen', file=sys.stderr)"
    )
    assert told == ("()\n", "seen\n")


def test_an_import_that_fails_is_still_told() -> None:
    out, _ = run(
        "import sys; sys.modules['tensorflow.python'] = None; import training\n"
        "try:\n    import tensorflow\nexcept ImportError as error:\n    print('told', error)\n"
    )
    assert out.startswith("told ")
