"""Signing requests in tests, by the very recipe of docs/partners.md, whose every part a test may leave out or change."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PROJECT = Path(__file__).parents[2]


def recipe() -> Callable[..., dict[str, str]]:
    """The function that the documentation shows."""
    document = (PROJECT / "docs" / "partners.md").read_text("utf-8")
    [source] = [
        block
        for block in re.findall(r"^```python\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
        if "def sign(" in block
    ]
    shown: dict[str, Any] = {}
    exec(compile(source, "docs/partners.md", "exec"), shown)  # noqa: S102 - our own documentation
    made: Callable[..., dict[str, str]] = shown["sign"]
    return made


sign_headers = recipe()


@dataclass(frozen=True)
class Signer(httpx.Auth):
    """Signs each request of an httpx client: `client.get("/me", auth=signer)`."""

    key_id: UUID
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        sign(request, self)
        yield request


def sign(request: httpx.Request, signer: Signer) -> None:
    """Give a request the headers that sign it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = str(request.url)
    signed = sign_headers(
        request.method, url, headers, request.content, key=signer.key, key_id=str(signer.key_id)
    )
    for name in ("content-digest", "signature-input", "signature"):
        if name in signed:
            request.headers[name] = signed[name]


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public half."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
