"""Ways to bring a code to a phone. A deployment brings its own; the log is one for development only."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from backend.identity.sign_in.errors import NoSenderConfigured
from backend.kit import logging
from backend.kit.settings import Settings

_log = logging.get("puhui.sign_in")


class Sender(Protocol):
    """Brings a sign-in code to a phone."""

    async def send(self, *, phone: str, code: str, request_id: UUID) -> None:
        """Deliver `code` to `phone` (E.164)."""


class LogSender:
    """Writes the code to the log, never the number: for development on the embedded servers."""

    async def send(self, *, phone: str, code: str, request_id: UUID) -> None:  # noqa: ARG002 - a number is not logged
        _log.info("sign_in_code_for_development", request_id=str(request_id), sign_in_code=code)


class NoSender:
    """Refuses: better no sign-in than a code that never arrives."""

    async def send(self, *, phone: str, code: str, request_id: UUID) -> None:
        del phone, code, request_id
        raise NoSenderConfigured


def default_sender(settings: Settings) -> Sender:
    """The log on the embedded servers, a refusal anywhere else."""
    return LogSender() if settings.embedded else NoSender()
