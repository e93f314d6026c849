"""A provider of real names over HTTP: our secret and the person's fresh token in, one subject out.

No provider's own interface is followed: a deployment puts a small relay in front of the service that it has a contract with.
The relay is asked once by `POST` of the form fields `secret` and `token`, and answers `200 {"subject": "…"}`, which always
names the same person, or `200 {"refused": true}`.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping

from backend.identity.doors.errors import DoorUnavailable
from backend.identity.doors.providers import ask
from backend.identity.proving.errors import ProofRefused, RealNamesUnavailable
from backend.identity.proving.service import RealNames
from backend.kit.settings import Settings

LONGEST_SUBJECT = 128


class Relay:
    """Asks one relay. What it says of a person leaves this class as the subject only."""

    def __init__(self, *, provider: str, secret: str, address: str) -> None:
        self.provider = provider
        self._secret, self._address = secret, address
        self._verify = ssl.create_default_context()

    async def subject(self, token: str) -> str:
        """Who it is. Raises ProofRefused, RealNamesUnavailable."""
        try:
            body = await ask(self._verify, "POST", self._address, {"secret": self._secret, "token": token})
            said = json.loads(body)
        except (DoorUnavailable, ValueError, RecursionError):
            raise RealNamesUnavailable from None
        if not isinstance(said, dict):
            raise RealNamesUnavailable
        if said.get("refused") is True:
            raise ProofRefused
        subject = said.get("subject")
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise RealNamesUnavailable
        return subject


def default_real_names(settings: Settings) -> Mapping[str, RealNames]:
    """The provider that the settings name, if they do."""
    if not settings.real_names_address or settings.real_names_secret is None:
        return {}
    relay = Relay(
        provider=settings.real_names_provider,
        secret=settings.real_names_secret.get_secret_value(),
        address=settings.real_names_address,
    )
    return {relay.provider: relay}
