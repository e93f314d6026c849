"""WeChat, Alipay and a relay to a service of real names, as far as they are needed: real HTTP servers on the loopback, with users, codes and faults.

Each keeps to what its provider documents: codes are good once, answers have its form, and Alipay's are signed with a
key of its own. `say` makes a simulator answer something else, once: bytes as they are, a status, or a delay.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from uuid import uuid4

import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SESSION_KEY = "a-session-key-that-nobody-may-see"


@dataclass
class Simulator:
    """What both have: codes that stand for users, and a next answer that differs."""

    address: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    next: bytes | float | None = None

    def code_for(self, user: str) -> str:
        """A fresh code of a user, as the app gets it."""
        code = uuid4().hex
        self.codes[code] = user
        return code

    def say(self, what: bytes | float) -> None:
        """Answer this once: bytes, a status, or after so many seconds."""
        self.next = what

    async def otherwise(self) -> Response | None:
        """The answer that was asked for instead of the right one."""
        what, self.next = self.next, None
        if isinstance(what, bytes):
            return Response(what)
        if isinstance(what, float):
            await asyncio.sleep(what)
        return (
            Response(status_code=what, headers={"location": "/elsewhere"}) if isinstance(what, int) else None
        )

    def use(self, code: str) -> str | None:
        """Whose code it is, once."""
        if code in self.spent:
            return None
        self.spent.add(code)
        return self.codes.get(code)


class WeChatSimulator(Simulator):
    """`GET /sns/jscode2session`."""

    app_id, secret = "wx0123456789abcdef", "a-secret-of-the-mini-program"

    async def answer(self, request: Request) -> Response:
        given = dict(request.query_params)
        self.asked.append(given)
        if (instead := await self.otherwise()) is not None:
            return instead
        said: dict[str, object]
        if (given.get("appid"), given.get("secret")) != (self.app_id, self.secret):
            said = {"errcode": 40125, "errmsg": "invalid appsecret"}
        elif given["js_code"] in self.spent:
            said = {"errcode": 40163, "errmsg": "code been used"}
        elif (user := self.use(given["js_code"])) is None:
            said = {"errcode": 40029, "errmsg": "invalid code"}
        else:
            said = {"openid": user, "session_key": SESSION_KEY, "unionid": "u" + user}
        return Response(json.dumps(said), media_type="text/plain")

    def routes(self) -> list[Route]:
        return [Route("/sns/jscode2session", self.answer)]


class AlipaySimulator(Simulator):
    """`POST /gateway.do`, `alipay.system.oauth.token`."""

    app_id = "2021000000000001"

    def __init__(self) -> None:
        super().__init__()
        self.app_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.own_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def private_pem(self) -> bytes:
        """The app's key, as a deployment keeps it."""
        return self.app_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public_pem(self) -> bytes:
        """Alipay's public key, as a deployment keeps it."""
        return self.own_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    async def answer(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode(), strict_parsing=True))
        self.asked.append(given)
        if (instead := await self.otherwise()) is not None:
            return instead
        if not self._signed_by_the_app(given):
            return self.refused("isv.invalid-signature")
        if given["method"] != "alipay.system.oauth.token" or given["grant_type"] != "authorization_code":
            return self.refused("isv.invalid-method")
        user = self.use(given["code"])
        if user is None:
            return self.refused("isv.code-invalid")
        said = {"user_id": user, "access_token": "auth/b", "expires_in": 3600, "refresh_token": SESSION_KEY}
        return Response(self.signed("alipay_system_oauth_token_response", said))

    def refused(self, sub_code: str) -> Response:
        said = {"code": "40002", "msg": "Invalid Arguments", "sub_code": sub_code, "sub_msg": "无效"}
        return Response(self.signed("error_response", said))

    def signed(self, name: str, said: Mapping[str, object], *, key: rsa.RSAPrivateKey | None = None) -> bytes:
        """An answer as Alipay sends it: slashes escaped, and the signature over those very characters."""
        inner = json.dumps(said, ensure_ascii=False).replace("/", "\\/")
        signature = (key or self.own_key).sign(inner.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f'{{"{name}":{inner},"sign":"{base64.b64encode(signature).decode()}"}}'.encode()

    def _signed_by_the_app(self, given: dict[str, str]) -> bool:
        written = "&".join(f"{name}={given[name]}" for name in sorted(given) if name != "sign")
        try:
            self.app_key.public_key().verify(
                base64.b64decode(given["sign"]), written.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        return given["app_id"] == self.app_id

    def routes(self) -> list[Route]:
        return [Route("/gateway.do", self.answer, methods=["POST"])]


@dataclass
class RealNamesSimulator(Simulator):
    """A relay to a service of real names: tokens are good once, and stand for whom the service knows."""

    secret: str = "relay-secret"

    async def answer(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode(), strict_parsing=True))
        self.asked.append(given)
        if (instead := await self.otherwise()) is not None:
            return instead
        user = self.use(given["token"]) if given["secret"] == self.secret else None
        return Response(json.dumps({"refused": True} if user is None else {"subject": user}))

    def routes(self) -> list[Route]:
        return [Route("/person", self.answer, methods=["POST"])]


@asynccontextmanager
async def served(simulator: WeChatSimulator | AlipaySimulator | RealNamesSimulator) -> AsyncIterator[None]:
    """The simulator on a free port of the loopback."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    simulator.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(Starlette(routes=simulator.routes()), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task
