"""Password hashes for Linux (sha-512 crypt). Python 3.13 removed its module crypt; libpass is a maintained passlib."""

from __future__ import annotations

import re

ROUNDS = 100_000  # the default of 5,000 is from 2007
# Accepted hashes: sha-512 crypt, yescrypt, bcrypt. DES, MD5 and sha-256 are weaker than ours.
HASH = re.compile(
    r"\$(?:6\$(?:rounds=\d+\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}|y\$[./0-9A-Za-z$]+|2[by]\$\d\d\$[./0-9A-Za-z]{53})"
)


def hashed(password: str) -> str:
    """A hash `$6$rounds=…` with a new random salt."""
    from passlib.hash import sha512_crypt

    return str(sha512_crypt.using(rounds=ROUNDS).hash(password))
