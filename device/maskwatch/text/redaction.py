"""Removes secrets from addresses, and from texts that may contain addresses. In doubt the text is hidden.

Of a network camera only scheme, host and port are shown. Paths and queries may contain passwords too
(`/user=admin_password=…`, `?pwd=…`), and for some recorders the path itself is the password.
"""

from __future__ import annotations

import re

from maskwatch.text.authority import readings

HIDDEN = "…"
OF_FILES = ("video", "images", "v4l2", "file", "path")  # a file's name follows these words
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
# Also with a single slash, because pathlib prints an address so.
ADDRESS = re.compile(
    rf"(?i)\b(?!(?:{'|'.join(OF_FILES)}):(?!//?\S*@|[a-z][a-z0-9+.-]*:/))"
    r"[a-z][a-z0-9+.-]{0,30}:[/\\](?:[^\n]*@)?[^\s'\"]*"
)
WORD = re.compile(r"[^\s'\"]+")
SHOWN_WORD = re.compile(r"[^:@]*:(?://)?…@")
LONGEST = 8192  # characters of a line; the time of the patterns grows with its square
NAMED = re.compile(
    r"(?i)((?<![a-z])(?:user(?:name)?|usr|login|pass(?:word|wd|phrase|wort)?|pwd|pw|psk|pin_?code|secret|token|api_?key"
    r"|access_?key|auth(?:orization)?|key|sig(?:nature)?)=)[^\s…][^\s]*"
)
PORT_OF_A_NAME = re.compile(r"[.\[]|^localhost$")  # a host; without a dot, `admin:12345` could be user and password
SHOWN = re.compile(r"(?:…@)?[\w.\[\]:-]+(?::…)?(?:/…?)?|…")  # a result of `shown` is not changed again
PUNCTUATION = ":;,.)"
# Examples in our messages, which are not hidden.
EXAMPLES = re.compile(r"(rtsp://USER:PASSWORD@HOST:PORT/PATH|rtsp://USER@HOST/PATH|(?:rtsp|http)s?://…(?![@/\w]))")


def shown(text: str) -> str:
    """An address without secrets: `rtsp://u:p@host:554/x` -> `rtsp://…@host:554/…`. Not for file names."""
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
    """A message or log line without possible secrets: in addresses, `user:password@`, `password=…`."""
    return "\n".join(
        _redacted_line(line if len(line) <= LONGEST else line[:LONGEST] + HIDDEN) for line in text.split("\n")
    )


def is_suspect(text: str) -> bool:
    """Whether a text may contain an address or a secret. An absolute path may contain an @."""
    return redacted(text) != text or "://" in text or ("@" in text and not text.startswith(("/", ".", "~")))


def _redacted_line(line: str) -> str:
    pieces = EXAMPLES.split(line)  # pieces with an odd index are examples
    return "".join(piece if index % 2 else _redacted(piece) for index, piece in enumerate(pieces))


def _redacted(text: str) -> str:
    text = ADDRESS.sub(lambda found: _of_message(found[0]), text)
    text = WORD.sub(lambda found: HIDDEN if _has_user_info(found[0]) else found[0], text)
    return NAMED.sub(rf"\1{HIDDEN}", text)


def _has_user_info(word: str) -> bool:
    """Whether a word contains `user:password@`. `video:/clips/a@b.mp4` does not."""
    colon, at = word.find(":"), word.rfind("@")
    if not 0 <= colon < at or SHOWN_WORD.match(word):
        return False
    return not word.startswith(("video:", "images:")) or ":" in word[colon + 1 : at]


def _of_message(found: str) -> str:
    bare = found.rstrip(PUNCTUATION)
    return shown(bare) + found[len(bare) :]
