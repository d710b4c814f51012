"""Logins as the RFCs' own examples have them."""

from __future__ import annotations

import pytest

from maskwatch.camera.web.authorisation import Basic, Digest, answer_to

REALM = 'realm="http-auth@example.org"'
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_answers_as_in_rfc_7616(algorithm: str, response: str) -> None:
    asked = f'Digest {REALM}, qop="auth, auth-int", algorithm={algorithm}, nonce="{NONCE}", opaque="{OPAQUE}"'
    proof = answer_to([asked], "Mufasa", "Circle of Life")
    assert isinstance(proof, Digest)
    proof.nonce = CNONCE
    header = proof.header("GET", "/dir/index.html")
    assert f'response="{response}"' in header
    assert f'opaque="{OPAQUE}"' in header
    assert "nc=00000001" in header
    assert "nc=00000002" in proof.header("GET", "/dir/index.html")


def test_digest_without_qop_answers_as_in_rfc_2069() -> None:
    asked = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    proof = answer_to([asked], "Mufasa", "CircleOfLife")
    assert isinstance(proof, Digest)
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in proof.header("GET", "/dir/index.html")


def test_basic_answers_as_in_rfc_7617() -> None:
    proof = answer_to(['Basic realm="WallyWorld"'], "Aladdin", "open sesame")
    assert isinstance(proof, Basic)
    assert proof.header("GET", "/") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


@pytest.mark.parametrize("asked", [["Basic"], ["digest a=b, basic"], ["BASIC realm=x"], ["Basic ,", "Digest"]])
def test_basic_needs_nothing_but_its_name(asked: list[str]) -> None:
    assert isinstance(answer_to(asked, "me", "sesame"), Basic)


@pytest.mark.parametrize(
    "asked",
    [
        [],
        [""],
        ["Negotiate"],
        ["Bearer realm=x"],
        ["Digest"],
        ["Digest nonce=x"],
        ["Digest realm=x"],
        ['Digest realm="x", nonce="y", qop="auth-int"'],
        ['Digest realm="x", nonce="y", algorithm=SHA-512-256'],
        ["Digest ,,,===,,"],
        ['Digest realm="x'],
        ["Digest realm"],
        ["digest a=b"],
    ],
)
def test_what_nobody_can_answer_is_not_answered(asked: list[str]) -> None:
    assert answer_to(asked, "me", "sesame") is None


def test_no_password_is_printed() -> None:
    for asked in ('Basic realm="x"', 'Digest realm="x", nonce="y"'):
        assert "sesame" not in repr(answer_to([asked], "me", "sesame"))
