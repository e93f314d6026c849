"""WeChat: `auth.code2Session` of a mini-program (developers.weixin.qq.com, code2Session; read 2026-11).

`wx.login` gives the app a code that is good once for five minutes. The answer to its exchange holds `openid`, the name of
the user within this one mini-program, and `session_key`, which never leaves this function. `unionid` is not used: one
mini-program signs in here.
"""

from __future__ import annotations

import json
import ssl
from typing import Any

from backend.identity.doors.errors import DoorBlocked, DoorBusy, DoorCodeRefused
from backend.identity.doors.providers import Provider, Shown, ask, unavailable

_CODE_REFUSED = {40029, 40163}  # no such code; a code that was used before
_BUSY = {45011}  # a hundred in a minute for one user
_BLOCKED = {40226}  # the user is high-risk


class WeChat:
    """Exchanges the codes of one mini-program."""

    def __init__(self, *, app_id: str, secret: str, address: str) -> None:
        self._app_id, self._secret = app_id, secret
        self._address = address.rstrip("/") + "/sns/jscode2session"
        self._verify = ssl.create_default_context()

    async def shown(self, code: str) -> Shown:
        """Whose account it is. Raises DoorCodeRefused, DoorBlocked, DoorBusy, DoorUnavailable."""
        asked = {
            "appid": self._app_id,
            "secret": self._secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        said = _read(await ask(self._verify, "GET", self._address, asked))
        fault, subject = said.get("errcode", 0), said.get("openid")
        if fault in _CODE_REFUSED:
            raise DoorCodeRefused
        if fault in _BLOCKED:
            raise DoorBlocked
        if fault in _BUSY:
            raise DoorBusy
        if fault != 0:
            raise unavailable(f"wechat errcode {fault}")
        if not isinstance(subject, str) or not 0 < len(subject) <= 128:
            raise unavailable("wechat named nobody")
        return Shown(Provider.WECHAT, self._app_id, subject)


def _read(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise unavailable("wechat did not answer JSON") from None
    if not isinstance(said, dict) or type(said.get("errcode", 0)) is not int:
        raise unavailable("wechat answered another form")
    return said
