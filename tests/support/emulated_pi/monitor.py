"""QEMU's monitor: what the board's own registers hold, read from outside while the guest runs."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

from emulated_pi.console import connected

GPLEV0 = 0x3F200034  # BCM2835 ARM Peripherals, 6.1: levels of pins 0–31; the BCM2837's peripherals begin at 0x3F000000
CLOCK_LOW, CLOCK_HIGH = 0x3F003004, 0x3F003008  # its system timer, 12.1: microseconds since power came, 64 bits
GPFSEL0 = 0x3F200000  # what each pin is, three bits a pin, ten pins a word; 0b001 is output


class Monitor:
    """One connection, by QMP. May be used from several threads."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            TimeoutError: nobody listens at the socket.
        """
        self._lock = threading.Lock()
        self._socket = connected(path)
        self._stream = self._socket.makefile("rw")
        self._stream.readline()  # the greeting
        self._execute("qmp_capabilities", {})

    def word(self, address: int) -> int:
        """32 bits at a physical address.

        Raises:
            ConnectionError: QEMU has ended.
        """
        answer = self._execute("human-monitor-command", {"command-line": f"xp /1wx {address:#x}"})
        found = re.search(r": (0x[0-9a-f]{8})", str(answer))
        assert found, f"the monitor answered {answer!r} to a read of {address:#x}"
        return int(found[1], 16)

    def levels(self) -> int:
        """Levels of pins 0–31, a bit each."""
        return self.word(GPLEV0)

    def seconds(self) -> float:
        """Since power came, by the board's own timer. A busy host makes it slow, and all else on the board with it."""
        high = self.word(CLOCK_HIGH)
        low = self.word(CLOCK_LOW)
        if self.word(CLOCK_HIGH) != high:  # the low half began anew between the two
            return self.seconds()
        return (high << 32 | low) / 1e6

    def is_output(self, pin: int) -> bool:
        """Whether the pin is driven by the board, and no input."""
        return self.word(GPFSEL0 + pin // 10 * 4) >> pin % 10 * 3 & 0b111 == 0b001

    def close(self) -> None:
        """Harmless if repeated."""
        self._socket.close()

    def _execute(self, command: str, arguments: dict[str, Any]) -> object:
        with self._lock:
            try:
                self._stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
                self._stream.flush()
                while line := self._stream.readline():
                    answer = json.loads(line)
                    if "return" in answer:
                        return answer["return"]
                    assert "error" not in answer, answer
            except (OSError, ValueError) as problem:
                raise ConnectionError("QEMU's monitor is gone") from problem
        raise ConnectionError("QEMU's monitor is gone")
