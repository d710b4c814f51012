"""What may be printed of an address, and of any text that may hold one. In doubt it is hidden.

Of a network camera only scheme, host and port are shown: passwords stand in paths and queries as well
(`/user=admin_password=…`, `?pwd=…`), and for some recorders the path itself is the password.
"""

from __future__ import annotations

import re

from maskwatch.authority import readings

HIDDEN = "…"
OF_FILES = ("video", "images", "v4l2", "file", "path")  # what follows these words is a file's name
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
# A scheme with one slash too: so a path's own form (pathlib) prints an address.
ADDRESS = re.compile(
    rf"(?i)\b(?!(?:{'|'.join(OF_FILES)}):(?!//?\S*@|[a-z][a-z0-9+.-]*:/))"
    r"[a-z][a-z0-9+.-]{0,30}:[/\\](?:[^\n]*@)?[^\s'\"]*"
)
WORD = re.compile(r"[^\s'\"]+")
SHOWN_WORD = re.compile(r"[^:@]*:(?://)?…@")
LONGEST = 8192  # characters of a line; the patterns take a time that grows with its square
NAMED = re.compile(
    r"(?i)((?<![a-z])(?:user(?:name)?|usr|login|pass(?:word|wd|phrase|wort)?|pwd|pw|psk|pin_?code|secret|token|api_?key"
    r"|access_?key|auth(?:orization)?|key|sig(?:nature)?)=)[^\s…][^\s]*"
)
PORT_OF_A_NAME = re.compile(r"[.\[]|^localhost$")  # `admin:12345` without its host looks like host:port; a dot does not
SHOWN = re.compile(r"(?:…@)?[\w.\[\]:-]+(?::…)?(?:/…?)?|…")  # what `shown` made stays as it is
PUNCTUATION = ":;,.)"
# Of our own messages: what to write.
EXAMPLES = re.compile(r"(rtsp://USER:PASSWORD@HOST:PORT/PATH|rtsp://USER@HOST/PATH|(?:rtsp|http)s?://…(?![@/\w]))")


def shown(text: str) -> str:
    """An address as it may be printed: `rtsp://u:p@host:554/x` -> `rtsp://…@host:554/…`. Not for a file's name."""
    match = SCHEME.fullmatch(text.strip())
    if match is None:
        return HIDDEN
    if HIDDEN in match[2] and SHOWN.fullmatch(match[2]):
        return text.strip()
    ways = readings(match[2])
    if len(ways) != 1:
        return f"{match[1].lower()}://{HIDDEN}"
    (way,) = ways
    is_plain = way.port is None or way.user is not None or PORT_OF_A_NAME.search(way.host)
    at = way.at if is_plain else f"{way.host}:{HIDDEN}"
    user = "" if way.user is None else f"{HIDDEN}@"
    return f"{match[1].lower()}://{user}{at}{f'/{HIDDEN}' if len(way.tail) > 1 else way.tail}"


def redacted(text: str) -> str:
    """A message or log line without what may be a secret in it: addresses, `user:password@`, `password=…`."""
    return "\n".join(
        _redacted_line(line if len(line) <= LONGEST else line[:LONGEST] + HIDDEN) for line in text.split("\n")
    )


def is_suspect(text: str) -> bool:
    """Whether a text looks as if it held an address or a secret; a file's whole path may have an @ in it."""
    return redacted(text) != text or "://" in text or ("@" in text and not text.startswith(("/", ".", "~")))


def _redacted_line(line: str) -> str:
    pieces = EXAMPLES.split(line)  # every second one is an example
    return "".join(piece if place % 2 else _redacted(piece) for place, piece in enumerate(pieces))


def _redacted(text: str) -> str:
    text = ADDRESS.sub(lambda found: _of_message(found[0]), text)
    text = WORD.sub(lambda found: HIDDEN if _has_user_info(found[0]) else found[0], text)
    return NAMED.sub(rf"\1{HIDDEN}", text)


def _has_user_info(word: str) -> bool:
    """Whether there is `user:password@` in it; the colon of `video:/clips/a@b.mp4` is none."""
    colon, at = word.find(":"), word.rfind("@")
    if not 0 <= colon < at or SHOWN_WORD.match(word):
        return False
    return not word.startswith(("video:", "images:")) or ":" in word[colon + 1 : at]


def _of_message(found: str) -> str:
    bare = found.rstrip(PUNCTUATION)
    return shown(bare) + found[len(bare) :]
