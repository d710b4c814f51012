"""HTTP authentication: Basic (RFC 7617) and Digest (RFC 7616, and RFC 2617 for older cameras)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.request import parse_http_list, parse_keqv_list

CHALLENGE = re.compile(r"(?i)(?:^|,)\s*(basic|digest)(?=\s|,|\Z)")  # one header may contain several
STRONGEST_FIRST = ("sha-256", "md5")
Hash = Callable[[str], str]


@dataclass(slots=True)
class Basic:
    """The password is sent in readable form: only https protects it."""

    user: str
    password: str = field(repr=False)

    def header(self, method: str, target: str) -> str:  # noqa: ARG002  the same signature as Digest.header
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(slots=True)
class Digest:
    """The password is not sent, only a hash that proves that we know it."""

    user: str
    password: str = field(repr=False)
    challenge: dict[str, str]
    count: int = 0  # number of requests with this challenge
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))  # ours

    def header(self, method: str, target: str) -> str:
        """The Authorization header of a request.

        Args:
            method: GET, DESCRIBE …
            target: exactly as in the request line.
        """
        self.count += 1
        challenge, count = self.challenge, f"{self.count:08x}"
        name = challenge.get("algorithm", "MD5")
        hashed = _hash(name)
        proof = hashed(f"{self.user}:{challenge['realm']}:{self.password}")
        if name.lower().endswith("-sess"):
            proof = hashed(f"{proof}:{challenge['nonce']}:{self.nonce}")
        request = hashed(f"{method}:{target}")
        fields = {"username": self.user, "realm": challenge["realm"], "nonce": challenge["nonce"], "uri": target}
        if "auth" in _options(challenge):
            answer = hashed(f"{proof}:{challenge['nonce']}:{count}:{self.nonce}:auth:{request}")
            fields |= {"cnonce": self.nonce}
            options = f", qop=auth, nc={count}"
        else:  # RFC 2069, for cameras older than 1999, and some newer ones
            answer, options = hashed(f"{proof}:{challenge['nonce']}:{request}"), ""
        fields["response"] = answer
        if "opaque" in challenge:
            fields["opaque"] = challenge["opaque"]
        if "algorithm" in challenge:
            options += f", algorithm={name}"
        return "Digest " + ", ".join(f'{key}="{_quoted(value)}"' for key, value in fields.items()) + options


def answer_to(headers: Iterable[str], user: str, password: str) -> Basic | Digest | None:
    """The strongest authentication that a 401 answer offers; None: it offers none that we know.

    Args:
        headers: the WWW-Authenticate headers of the answer.
        user: to log in.
        password: of the user.
    """
    digests, basic = [], False
    for scheme, text in _challenges(", ".join(headers)):
        challenge = {key.lower(): value for key, value in _pairs(text)}
        if scheme == "basic":
            basic = True
        elif {"realm", "nonce"} <= challenge.keys() and _strength(challenge) is not None and _is_for_us(challenge):
            digests.append(challenge)
    if digests:
        return Digest(user, password, min(digests, key=lambda each: _strength(each) or 0))
    return Basic(user, password) if basic else None


def _challenges(text: str) -> list[tuple[str, str]]:
    starts = list(CHALLENGE.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    return [(start[1].lower(), text[start.end() : end].strip(" ,")) for start, end in zip(starts, ends, strict=False)]


def _pairs(text: str) -> list[tuple[str, str]]:
    named = [each for each in parse_http_list(text) if "=" in each]
    return list(parse_keqv_list(named).items())


def _strength(challenge: dict[str, str]) -> int | None:
    name = challenge.get("algorithm", "MD5").lower().removesuffix("-sess")
    return STRONGEST_FIRST.index(name) if name in STRONGEST_FIRST else None


def _is_for_us(challenge: dict[str, str]) -> bool:
    return "qop" not in challenge or "auth" in _options(challenge)


def _options(challenge: dict[str, str]) -> set[str]:
    return {option.strip().lower() for option in challenge.get("qop", "").split(",")}


def _hash(name: str) -> Hash:
    algorithm = name.lower().removesuffix("-sess").replace("-", "")
    return lambda text: hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
