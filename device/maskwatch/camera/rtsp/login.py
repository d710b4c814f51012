"""Logs in at an RTSP camera, and explains its refusals."""

from __future__ import annotations

from maskwatch.camera.rtsp.messages import Message
from maskwatch.camera.web import authorisation
from maskwatch.text.address import Address
from maskwatch.text.redaction import shown


class Login:
    """Adds authentication to requests, for this camera alone."""

    def __init__(self, address: Address) -> None:
        """
        Args:
            address: of the camera, with user and password.
        """
        self._address = address
        self._proof: authorisation.Basic | authorisation.Digest | None = None
        self._request: Message | None = None  # the last one, without authentication
        self._again = False  # whether it was sent a second time

    def proven(self, request: Message, target: str) -> Message:
        """A request with authentication, ready to be sent.

        Args:
            request: from the client; its own authentication is removed.
            target: address at this camera.
        """
        self._request, self._again = request.asked_of(target, None), False
        return self._with_proof(self._request)

    def second(self, answer: Message) -> Message | None:
        """The last request with authentication, if the answer asks for it; otherwise None."""
        if answer.status != 401 or self._again or self._request is None or self._address.user is None:
            return None
        asked = answer.headers.get_all("WWW-Authenticate") or []
        self._proof = authorisation.answer_to(asked, self._address.user, self._address.password or "")
        if self._proof is None:
            return None
        self._again = True
        return self._with_proof(self._request)

    def refusal(self, answer: Message) -> str | None:
        """Why an answer is a refusal, in words for the camera's owner; None: it is not, or FFmpeg reports it."""
        if answer.status is None:
            return None
        if answer.status == 401 and self._address.user is None:
            return "asks for user and password; expected them in source (see docs/secrets.md)"
        if answer.status == 401:
            return "refuses user or password (401)"
        if answer.status == 404:
            return "has nothing at this path (404); expected the path of its stream"
        if 300 <= answer.status < 400:
            there = shown(str(answer.headers.get("Location", "")))
            return f"redirects to {there}; if that is the camera, name it in source"
        return None

    def _with_proof(self, request: Message) -> Message:
        method, target = request.method_and_target
        return request.asked_of(target, self._proof.header(method, target) if self._proof else None)
