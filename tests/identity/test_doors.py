"""Codes of WeChat and Alipay are exchanged for a subject and nothing else; one account opens one participant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from backend.identity import doors, people
from backend.identity.doors import Alipay, Exchange, Provider, Shown, WeChat, providers
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.simulators import SESSION_KEY, AlipaySimulator, WeChatSimulator, served


@pytest.fixture(scope="module")
async def wechat() -> AsyncIterator[WeChatSimulator]:
    simulator = WeChatSimulator()
    async with served(simulator):
        yield simulator


@pytest.fixture(scope="module")
async def alipay() -> AsyncIterator[AlipaySimulator]:
    simulator = AlipaySimulator()
    async with served(simulator):
        yield simulator


@pytest.fixture
def of_wechat(wechat: WeChatSimulator) -> WeChat:
    return WeChat(app_id=wechat.app_id, secret=wechat.secret, address=wechat.address)


@pytest.fixture
def of_alipay(alipay: AlipaySimulator) -> Alipay:
    return Alipay(
        app_id=alipay.app_id,
        private_pem=alipay.private_pem,
        provider_pem=alipay.public_pem,
        address=alipay.address + "/gateway.do",
    )


async def _refusal(exchange: Exchange, code: str) -> type[Exception]:
    with pytest.raises(Exception) as refused:  # noqa: PT011 - its very class is what is asked for
        await exchange.shown(code)
    return refused.type


async def test_a_code_of_wechat_names_its_user_once(wechat: WeChatSimulator, of_wechat: WeChat) -> None:
    code = wechat.code_for("o-zhang")
    assert await of_wechat.shown(code) == Shown(Provider.WECHAT, wechat.app_id, "o-zhang")
    assert wechat.asked[-1]["grant_type"] == "authorization_code"
    assert await _refusal(of_wechat, code) is doors.DoorCodeRefused
    assert await _refusal(of_wechat, "made up") is doors.DoorCodeRefused


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (b'{"errcode": 40226, "errmsg": "code blocked"}', doors.DoorBlocked),
        (b'{"errcode": 45011, "errmsg": "api minute-quota reach limit"}', doors.DoorBusy),
        (b'{"errcode": 40029, "errmsg": "invalid code"}', doors.DoorCodeRefused),
        (b'{"errcode": -1, "errmsg": "system error"}', doors.DoorUnavailable),
        (b'{"errcode": 40125, "errmsg": "invalid appsecret"}', doors.DoorUnavailable),
        (b'{"errcode": "0", "openid": "x"}', doors.DoorUnavailable),
        (b'{"errcode": 0}', doors.DoorUnavailable),
        (b'{"openid": ""}', doors.DoorUnavailable),
        (b'{"openid": 7}', doors.DoorUnavailable),
        (b"[]", doors.DoorUnavailable),
        (b"<html>", doors.DoorUnavailable),
        (b"", doors.DoorUnavailable),
        (b"[" * 60_000, doors.DoorUnavailable),
        (b" " * (1 << 17), doors.DoorUnavailable),
        (302, doors.DoorUnavailable),
        (500, doors.DoorUnavailable),
    ],
)
async def test_whatever_wechat_says_is_a_refusal_with_a_name(
    wechat: WeChatSimulator, of_wechat: WeChat, answer: bytes | int, refusal: type[Exception]
) -> None:
    wechat.say(answer)
    assert await _refusal(of_wechat, wechat.code_for("o-li")) is refusal


async def test_a_provider_that_is_slow_or_away_is_unavailable_and_its_secret_is_in_no_log(
    wechat: WeChatSimulator,
    of_wechat: WeChat,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(providers, "TIMEOUT", 0.2)
    wechat.say(1.0)
    code = wechat.code_for("o-slow")
    with structlog.testing.capture_logs() as logged:
        assert await _refusal(of_wechat, code) is doors.DoorUnavailable
        away = WeChat(app_id=wechat.app_id, secret=wechat.secret, address="http://127.0.0.1:1")
        assert await _refusal(away, code) is doors.DoorUnavailable
    said = str(logged) + caplog.text.replace(str([one for one in caplog.records if one.name == "httpx"]), "")
    assert [line["event"] for line in logged] == ["door_unavailable"] * 2
    assert wechat.secret not in str(logged)
    assert code not in str(logged)
    assert SESSION_KEY not in said


async def test_a_code_of_alipay_names_its_user_once_by_signed_requests_and_answers(
    alipay: AlipaySimulator, of_alipay: Alipay
) -> None:
    code = alipay.code_for("2088/000000000001")
    shown = await of_alipay.shown(code)
    assert shown == Shown(Provider.ALIPAY, alipay.app_id, "2088/000000000001")
    assert "2088" not in repr(shown)
    assert alipay.asked[-1]["sign_type"] == "RSA2"
    assert await _refusal(of_alipay, code) is doors.DoorCodeRefused


async def test_alipay_is_believed_only_with_its_own_signature_over_what_it_said(
    alipay: AlipaySimulator, of_alipay: Alipay
) -> None:
    name, stranger = "alipay_system_oauth_token_response", rsa.generate_private_key(65537, 2048)
    good = alipay.signed(name, {"user_id": "2088"})
    whole = json.loads(good)
    other = json.dumps(whole | {name: {"user_id": "2089"}}).encode()
    twice = good[:-1] + b',"' + name.encode() + b'":{"user_id":"2089"}}'
    for forged in (
        alipay.signed(name, {"user_id": "2088"}, key=stranger),
        other,
        twice,
        json.dumps({name: whole[name]}).encode(),
        json.dumps(whole | {"sign": ""}).encode(),
        json.dumps(whole | {"sign": "no base64!"}).encode(),
        json.dumps(whole | {"sign": 7}).encode(),
        alipay.signed(name, {"user_id": ""}),
        alipay.signed(name, {}),
        b"[]",
        b"\xff",
        b"{",
    ):
        alipay.say(forged)
        assert await _refusal(of_alipay, alipay.code_for("2088")) is doors.DoorUnavailable, forged
    alipay.say(good)
    assert (await of_alipay.shown("any")).subject == "2088"


@pytest.mark.parametrize(
    ("sub_code", "refusal"),
    [
        ("isv.code-invalid", doors.DoorCodeRefused),
        ("isv.app-call-limited", doors.DoorBusy),
        ("isv.invalid-signature", doors.DoorUnavailable),
        ("isp.unknow-error", doors.DoorUnavailable),
    ],
)
async def test_alipays_refusals_have_names(
    alipay: AlipaySimulator, of_alipay: Alipay, sub_code: str, refusal: type[Exception]
) -> None:
    alipay.say(bytes(alipay.refused(sub_code).body))
    assert await _refusal(of_alipay, "any") is refusal


async def test_requests_signed_with_another_key_are_alipays_to_refuse(alipay: AlipaySimulator) -> None:
    other = AlipaySimulator()
    exchange = Alipay(
        app_id=alipay.app_id,
        private_pem=other.private_pem,
        provider_pem=alipay.public_pem,
        address=alipay.address + "/gateway.do",
    )
    assert await _refusal(exchange, alipay.code_for("2088")) is doors.DoorUnavailable


def test_keys_of_another_sort_or_too_short_are_refused_at_the_start(alipay: AlipaySimulator) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is what is refused
    for key, fault in ((curve, TypeError), (short, ValueError)):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(fault):
            Alipay(app_id="a", private_pem=pem, provider_pem=alipay.public_pem, address="http://a")


def test_a_provider_that_is_not_set_up_whole_is_closed(
    settings: Settings, alipay: AlipaySimulator, tmp_path: Path
) -> None:
    assert doors.default_exchanges(settings) == {}
    (tmp_path / "own.pem").write_bytes(alipay.private_pem)
    (tmp_path / "theirs.pem").write_bytes(alipay.public_pem)
    half = settings.model_copy(update={"wechat_app_id": "wx1", "alipay_app_id": "2021"})
    assert doors.default_exchanges(half) == {}
    full = half.model_copy(
        update={
            "wechat_secret": SecretStr("s"),
            "alipay_key_file": tmp_path / "own.pem",
            "alipay_public_key_file": tmp_path / "theirs.pem",
        }
    )
    assert set(doors.default_exchanges(full)) == set(Provider)


# whom an account opens


def _shown(subject: str | None = None, provider: Provider = Provider.WECHAT, app_id: str = "wx1") -> Shown:
    return Shown(provider, app_id, subject or uuid4().hex)


async def test_one_account_opens_one_participant_and_another_apps_or_providers_account_another(
    db: Database, settings: Settings
) -> None:
    shown = _shown()

    async def enter(shown: Shown) -> object:
        async with db.transaction() as session:
            return await doors.enter(session, settings.keys, shown=shown)

    whose = await enter(shown)
    assert await enter(shown) == whose
    assert await enter(_shown(shown.subject, app_id="wx2")) != whose
    assert await enter(_shown(shown.subject, Provider.ALIPAY)) != whose


async def test_twenty_first_sign_ins_at_once_make_one_participant(db: Database, settings: Settings) -> None:
    shown = _shown()

    async def enter() -> object:
        async with db.transaction() as session:
            return await doors.enter(session, settings.keys, shown=shown)

    assert len(set(await asyncio.gather(*(enter() for _ in range(20))))) == 1


async def test_the_last_door_stays_unless_there_is_a_phone(db: Database, settings: Settings) -> None:
    async with db.transaction() as session:
        whose = await doors.enter(session, settings.keys, shown=_shown())
        await doors.open_door(session, settings.keys, participant_id=whose, shown=_shown())
        first, second = await doors.doors_of(session, participant_id=whose)
        await doors.close(session, settings.keys, participant_id=whose, door_id=first.id)
        with pytest.raises(doors.DoorUnknown):
            await doors.close(session, settings.keys, participant_id=whose, door_id=first.id)
        with pytest.raises(doors.LastDoor):
            await doors.close(session, settings.keys, participant_id=whose, door_id=second.id)
        phone = f"136{uuid4().int % 10**8:08d}"
        await people.set_phone(session, settings.keys, participant_id=whose, phone=phone)
        assert await people.phone_of(session, settings.keys, participant_id=whose) == "+86" + phone
        await doors.close(session, settings.keys, participant_id=whose, door_id=second.id)
        assert await doors.doors_of(session, participant_id=whose) == []


async def test_a_taken_account_or_phone_opens_nobody_else(db: Database, settings: Settings) -> None:
    shown, phone = _shown(), f"135{uuid4().int % 10**8:08d}"
    async with db.transaction() as session:
        await doors.enter(session, settings.keys, shown=shown)
        other = await people.citizen_with_phone(session, settings.keys, phone=phone)
        third = await people.citizen_without_phone(session, settings.keys)
        with pytest.raises(doors.DoorTaken):
            await doors.open_door(session, settings.keys, participant_id=other, shown=shown)
        with pytest.raises(people.PhoneTaken):
            await people.set_phone(session, settings.keys, participant_id=third, phone=phone)


async def test_no_subject_lies_in_clear_and_a_closed_door_holds_nothing(
    db: Database, settings: Settings, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    shown = _shown("o-in-clear")
    async with db.transaction() as session:
        whose = await doors.enter(session, settings.keys, shown=shown)
    row = await superuser.fetchval("SELECT d::text FROM door AS d WHERE participant_id = $1", whose)
    assert shown.subject not in row
    assert shown.subject.encode().hex() not in row
    async with db.transaction() as session:
        await doors.close_all(session, participant_id=whose)
        assert await doors.holder_of(session, settings.keys, shown=shown) is None
