"""A password as Linux keeps it: sha-512 crypt. Python's own went with 3.13; libpass is passlib, kept on."""

from __future__ import annotations

import re

ROUNDS = 100_000  # the default of 5,000 is of 2007
# What /etc/shadow may hold: sha-512 crypt, yescrypt, bcrypt. DES, MD5 and sha-256 are weaker than what we make.
HASH = re.compile(
    r"\$(?:6\$(?:rounds=\d+\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}|y\$[./0-9A-Za-z$]+|2[by]\$\d\d\$[./0-9A-Za-z]{53})"
)


def hashed(password: str) -> str:
    """`$6$rounds=…`, with its own salt each time."""
    from passlib.hash import sha512_crypt

    return str(sha512_crypt.using(rounds=ROUNDS).hash(password))
