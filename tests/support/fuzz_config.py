"""Config files and variables with random faults, and the result of `config.load` for each.

    python tests/support/fuzz_config.py 3000 15

prints how many were tried, refused in one line, accepted, and how many ended in any other way, which is a defect.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from maskwatch import config
from maskwatch.config import effective
from maskwatch.errors import ConfigError

VALUES = [
    b"nan", b"inf", b"-inf", b"1e400", b"-0.0", b"1e-300", b"1_000", b"0x" + b"f" * 4000, b"9" * 4000, b"9" * 5000,
    b"true", b"''", b'"\\u0000"', b'"\\ud800"', b"[]", b"{}", b"[[[]]]", b"[" * 1000 + b"]" * 1000, b"{a={a={a=1}}}",
    b"1979-05-27", b"07:32:00", b"'x'", b"\xff", b"[nan, nan]", b"[[0, 0], [0, 0], [0, 0]]", b"'rtsp://u:p@h'",
    b'"""\n\n"""', b"'" + b"x" * 4000 + b"'", b"-1", b"0", b"1e308", b"[{since='x'}]", b"{on=1e-9,every=1e-9}",
]  # fmt: skip
KEYS = [b"a.b.c", b"''", b"'rtsp://u:p@h'", b".".join([b"x"] * 800), b"\xef\xbb\xbfx", b"pin", b"-"]
TOKENS = [letter.encode() for letter in (*"[]{}=\n\r\0\"'#\\.,", "[[", "]]", '"""', "'''")]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """One to four changes: a value, key, line, piece or byte is replaced, doubled, removed or moved."""
    for _ in range(rng.randint(1, 4)):
        change = rng.choice([_value, _key, _uncommented, _token, _byte, _cut, _doubled, _moved, _encoded])
        content = change(content, rng)
    return content


def load(path: Path, environment: dict[str, str]) -> str:
    """The result: `accepted`, `refused`, or the name of an unexpected exception."""
    try:
        for entry in effective.entries(path, environment):
            effective.text_line(entry), effective.json_line(entry)
    except ConfigError as error:
        return "refused" if len(str(error).splitlines()) == 1 and len(str(error)) < 2000 else "refused in several lines"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {error}"[:200]
    return "accepted"


def tried(number: int, rng: random.Random, folder: Path) -> tuple[Counter[str], float]:
    """How often each result occurred, and the longest time of one load in seconds."""
    shipped, found, longest = config.default_path().read_bytes(), Counter[str](), 0.0
    path = folder / "x.toml"
    for _ in range(number):
        path.write_bytes(mutated(shipped, rng))
        environment = _variables(rng) if rng.random() < 0.2 else {}
        begun = time.perf_counter()
        found[load(path, environment)] += 1
        longest = max(longest, time.perf_counter() - begun)
    return found, longest


def _lines(content: bytes, rng: random.Random) -> tuple[list[bytes], int]:
    lines = content.split(b"\n")
    return lines, rng.randrange(len(lines))


def _value(content: bytes, rng: random.Random) -> bytes:
    lines, at = _lines(content, rng)
    key, equals, _ = lines[at].partition(b" = ")
    lines[at] = key.lstrip(b"# ") + equals + rng.choice(VALUES)
    return b"\n".join(lines)


def _key(content: bytes, rng: random.Random) -> bytes:
    lines, at = _lines(content, rng)
    lines[at] = rng.choice(KEYS) + b" = " + rng.choice(VALUES)
    return b"\n".join(lines)


def _uncommented(content: bytes, rng: random.Random) -> bytes:
    lines, at = _lines(content, rng)
    lines[at] = lines[at].lstrip(b"# ")
    return b"\n".join(lines)


def _token(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(TOKENS) * rng.choice([1, 1, 3, 600]) + content[at:]


def _byte(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]


def _cut(content: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:last] if rng.random() < 0.3 else content[:first] + content[last:][:50_000]


def _doubled(content: bytes, rng: random.Random) -> bytes:
    lines, at = _lines(content, rng)
    return b"\n".join(lines[:at] + [lines[at]] * rng.choice([2, 3, 2000]) + lines[at:])


def _moved(content: bytes, rng: random.Random) -> bytes:
    lines, at = _lines(content, rng)
    lines.insert(rng.randrange(len(lines)), lines.pop(at))
    return b"\n".join(lines)


def _encoded(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(rng.choice(["utf-16", "utf-8-sig", "utf-16-le", "utf-32", "utf-7", "cp500"]), "replace")


def _variables(rng: random.Random) -> dict[str, str]:
    key = rng.choice(["ALERT__HOLD", "ALERT", "CAMERA__SOURCE", "X", "", "ZONE__POLYGON", "A__B__C__D__E__F__G", "é"])
    return {f"MASKWATCH__{key}": rng.choice(VALUES).decode("utf-8", "surrogateescape")}


def main(number: int, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        found, longest = tried(number, random.Random(seed), Path(folder))
    odd = {what: times for what, times in found.items() if what not in ("accepted", "refused")}
    print(f"{number} configs, seed {seed}: {found['refused']} refused in one line, {found['accepted']} accepted,")
    print(f"{sum(odd.values())} tracebacks; the longest took {longest:.2f} s")
    for what, times in odd.items():
        print(f"{times} × {what}")
    return bool(odd)


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:3])))
