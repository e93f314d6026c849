"""Alipay: `alipay.system.oauth.token` (opendocs.alipay.com, signature RSA2 = SHA256withRSA, PKCS #1 v1.5; read 2026-11).

`my.getAuthCode` gives the app a code that is good once. A request is signed by our key over its parameters in order; an
answer is signed by Alipay over the very bytes of its inner object, so it is cut out and verified before it is read. Only
a refusal may come unsigned: it opens nothing. `open_id` is preferred to the older `user_id`; each is a name of its own.
"""

from __future__ import annotations

import base64
import binascii
import json
import ssl
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from backend.identity.doors.errors import DoorBlocked, DoorBusy, DoorCodeRefused
from backend.identity.doors.providers import Provider, Shown, ask, unavailable
from backend.kit import clock

METHOD = "alipay.system.oauth.token"
_ANSWER, _REFUSAL = "alipay_system_oauth_token_response", "error_response"
_CODE_REFUSED = "isv.code-"  # isv.code-invalid, isv.code-is-used …
_BLOCKED = {"isv.user-blocked", "isv.risk-refused"}
_BUSY = {"isv.app-call-limited", "isv.method-call-limited"}


class Alipay:
    """Exchanges the codes of one app."""

    def __init__(self, *, app_id: str, private_pem: bytes, provider_pem: bytes, address: str) -> None:
        private, public = load_pem_private_key(private_pem, None), load_pem_public_key(provider_pem)
        if not isinstance(private, RSAPrivateKey) or not isinstance(public, RSAPublicKey):
            raise TypeError("Alipay's keys are RSA keys")
        if min(private.key_size, public.key_size) < 2048:
            raise ValueError("Alipay's keys have 2048 bits or more")
        self._app_id, self._private, self._public, self._address = app_id, private, public, address
        self._verify = ssl.create_default_context()

    async def shown(self, code: str) -> Shown:
        """Whose account it is. Raises DoorCodeRefused, DoorBlocked, DoorBusy, DoorUnavailable."""
        values = {
            "app_id": self._app_id,
            "method": METHOD,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": clock.now().astimezone(clock.SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "grant_type": "authorization_code",
            "code": code,
        }
        signature = self._private.sign(to_sign(values).encode(), padding.PKCS1v15(), hashes.SHA256())
        values["sign"] = base64.b64encode(signature).decode()
        body = await ask(self._verify, "POST", self._address, values)
        said = self._trusted(body)
        subject = said.get("open_id") or said.get("user_id")
        if not isinstance(subject, str) or not 0 < len(subject) <= 128:
            raise unavailable("alipay named nobody")
        return Shown(Provider.ALIPAY, self._app_id, subject)

    def _trusted(self, body: bytes) -> dict[str, Any]:
        """The inner object of an answer that Alipay signed."""
        whole, text = _read(body)
        if _ANSWER not in whole:
            raise _refused(whole.get(_REFUSAL))
        try:
            inner = _cut_out(text, _ANSWER)
            signature = base64.b64decode(whole["sign"], validate=True)
            self._public.verify(signature, inner.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
            raise unavailable("alipay answered another form") from None
        except InvalidSignature:
            raise unavailable("alipay's signature does not verify") from None
        said = json.loads(inner)
        if not isinstance(said, dict):
            raise unavailable("alipay answered another form")
        if "sub_code" in said or said.get("code", "10000") != "10000":
            raise _refused(said)
        return said


def to_sign(values: dict[str, str]) -> str:
    """What the signature of a request is over: every value that is there, by name, as Alipay puts it together."""
    return "&".join(f"{name}={values[name]}" for name in sorted(values) if name != "sign" and values[name])


def _read(body: bytes) -> tuple[dict[str, Any], str]:
    try:
        text = body.decode("utf-8")
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise unavailable("alipay did not answer JSON") from None
    if not isinstance(whole, dict):
        raise unavailable("alipay answered another form")
    return whole, text


def _cut_out(text: str, name: str) -> str:
    """The very characters of a member of the outermost object. ValueError where the name stands there twice."""
    decoder = json.JSONDecoder()
    place = _skip(text, 0)
    if text[place] != "{":
        raise ValueError("not an object")
    place, found = _skip(text, place + 1), None
    while text[place] != "}":
        member, place = decoder.raw_decode(text, place)
        place = _skip(text, place)
        if text[place] != ":":
            raise ValueError("not an object")
        begin = _skip(text, place + 1)
        _, end = decoder.raw_decode(text, begin)
        if member == name:
            if found is not None:
                raise ValueError("twice")
            found = text[begin:end]
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    if found is None:
        raise ValueError("missing")
    return found


def _skip(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place


def _refused(said: object) -> Exception:
    code = str(said.get("sub_code", "")) if isinstance(said, dict) else ""
    if code.startswith(_CODE_REFUSED):
        return DoorCodeRefused()
    if code in _BLOCKED:
        return DoorBlocked()
    if code in _BUSY:
        return DoorBusy()
    return unavailable(f"alipay sub_code {code[:60]!r}")
