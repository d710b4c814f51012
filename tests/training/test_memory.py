"""Freed memory stays in the process."""

import subprocess
import sys

import pytest

from training.runs import memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's settings")

THREAD = """
import resource, sys, threading
from training.runs import memory
if sys.argv[1] == "kept":
    assert memory.keep_freed_memory()
def work():
    for _ in range(20):
        bytearray(96 << 20)
for _ in range(2):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(how: str) -> int:
    """Page faults of a process in which another thread takes 96 MB forty times."""
    return int(subprocess.run([sys.executable, "-c", THREAD, how], capture_output=True, text=True, check=True).stdout)


def test_glibc_takes_every_setting() -> None:
    assert memory.keep_freed_memory()


def test_another_thread_gets_the_same_pages_again() -> None:
    assert faults("kept") * 4 < faults("given back")
