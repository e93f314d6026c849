"""A code sent to a phone is good once, for ten minutes, three attempts, and for what it was made for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import structlog

from backend.identity import sign_in
from backend.identity.sign_in import LogSender, NoSender, RequestedCode, Use, service
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings

ADDRESS = "192.0.2.1"


def _phone() -> str:
    return f"138{uuid4().int % 10**8:08d}"


async def _ask(db: Database, settings: Settings, phone: str, address: str | None = None) -> RequestedCode:
    async with db.transaction() as session:
        return await sign_in.request_code(session, settings.keys, phone=phone, address=address or uuid4().hex)


async def _give(db: Database, settings: Settings, asked: RequestedCode, **changed: object) -> UUID:
    given = {"request_id": asked.request_id, "phone": asked.phone, "code": asked.code} | changed
    async with db.transaction() as session:
        await sign_in.spend_attempt(session, request_id=given["request_id"])  # type: ignore[arg-type]
    async with db.transaction() as session:
        return await sign_in.exchange_code(session, settings.keys, **given)  # type: ignore[arg-type]


def _other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


async def test_the_code_lets_in_once_and_the_same_phone_is_the_same_person(
    db: Database, settings: Settings
) -> None:
    phone = _phone()
    asked = await _ask(db, settings, phone)
    whose = await _give(db, settings, asked)
    with pytest.raises(sign_in.SignInCodeWrong):
        await _give(db, settings, asked)
    with clock.travel(clock.now() + timedelta(minutes=2)):
        assert await _give(db, settings, await _ask(db, settings, phone)) == whose


async def test_a_code_is_bound_to_its_request_and_its_number(db: Database, settings: Settings) -> None:
    mine, yours = await _ask(db, settings, _phone()), await _ask(db, settings, _phone())
    for changed in (
        {"request_id": yours.request_id},
        {"phone": yours.phone},
        {"code": _other(mine.code)},
        {"request_id": uuid4()},
    ):
        with pytest.raises(sign_in.SignInCodeWrong):
            await _give(db, settings, mine, **changed)
    assert await _give(db, settings, mine)


async def test_the_fourth_attempt_is_refused_even_with_the_right_code(
    db: Database, settings: Settings
) -> None:
    asked = await _ask(db, settings, _phone())
    for _ in range(3):
        with pytest.raises(sign_in.SignInCodeWrong):
            await _give(db, settings, asked, code=_other(asked.code))
    with pytest.raises(sign_in.SignInCodeWrong):
        await _give(db, settings, asked)


async def test_a_hundred_guesses_at_once_get_three_attempts(db: Database, settings: Settings) -> None:
    asked = await _ask(db, settings, _phone())

    async def attempt() -> bool:
        async with db.transaction() as session:
            try:
                await sign_in.spend_attempt(session, request_id=asked.request_id)
            except sign_in.SignInCodeWrong:
                return False
            return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(100)))) == 3


@pytest.mark.parametrize(
    ("later", "good"), [(timedelta(minutes=9, seconds=55), True), (timedelta(minutes=10), False)]
)
async def test_a_code_lasts_ten_minutes(
    db: Database, settings: Settings, later: timedelta, good: bool
) -> None:
    asked = await _ask(db, settings, _phone())
    with clock.travel(asked.expires_at - timedelta(minutes=10) + later):
        if good:
            assert await _give(db, settings, asked)
        else:
            with pytest.raises(sign_in.SignInCodeWrong):
                await _give(db, settings, asked)


async def test_codes_for_one_number_are_a_minute_apart_and_eight_a_day(
    db: Database, settings: Settings
) -> None:
    phone, begun = _phone(), clock.now()
    for turn in range(8):
        with clock.travel(begun + turn * timedelta(seconds=61)):
            await _ask(db, settings, phone)
            with pytest.raises((sign_in.SignInCodeTooSoon, sign_in.TooManySignInCodes)):
                await _ask(db, settings, phone)
    with clock.travel(begun + timedelta(hours=1)), pytest.raises(sign_in.TooManySignInCodes):
        await _ask(db, settings, phone)
    with clock.travel(begun + timedelta(days=1, minutes=10)):
        await _ask(db, settings, phone)


async def test_a_number_of_which_ten_codes_lie_unused_gets_one_attempt_a_code_and_is_not_locked_out(
    db: Database, settings: Settings
) -> None:
    phone, begun = _phone(), clock.now()
    for turn in range(10):  # five a day, on two days: somebody guesses
        with clock.travel(begun + timedelta(days=turn // 5, minutes=2 * turn)):
            await _ask(db, settings, phone)
    with clock.travel(begun + timedelta(days=3)):
        asked = await _ask(db, settings, phone)
        with pytest.raises(sign_in.SignInCodeWrong):
            await _give(db, settings, asked, code=_other(asked.code))
        with pytest.raises(sign_in.SignInCodeWrong):
            await _give(db, settings, asked)
        with clock.travel(clock.now() + timedelta(minutes=2)):
            assert await _give(db, settings, await _ask(db, settings, phone))  # its owner types it right
    with clock.travel(begun + timedelta(days=9)):
        asked = await _ask(db, settings, phone)
        with pytest.raises(sign_in.SignInCodeWrong):
            await _give(db, settings, asked, code=_other(asked.code))
        assert await _give(db, settings, asked)


async def test_twenty_requests_at_once_for_one_number_send_one_code(db: Database, settings: Settings) -> None:
    phone = _phone()
    results = await asyncio.gather(*(_ask(db, settings, phone) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, RequestedCode) for result in results) == 1
    assert sum(isinstance(result, sign_in.SignInCodeTooSoon) for result in results) == 19


async def test_a_second_request_for_a_number_waits_for_the_first(db: Database, settings: Settings) -> None:
    phone = _phone()
    async with db.transaction() as session:
        await sign_in.request_code(session, settings.keys, phone=phone, address="one")
        second = asyncio.create_task(_ask(db, settings, phone, "another"))
        await asyncio.sleep(0.3)
        assert not second.done()
    with pytest.raises(sign_in.SignInCodeTooSoon):
        await second


async def test_one_address_leaves_fifty_codes_a_day_unused(db: Database, settings: Settings) -> None:
    await _give(
        db, settings, await _ask(db, settings, _phone(), ADDRESS)
    )  # a code that is used is none of them
    for _ in range(50):
        await _ask(db, settings, _phone(), ADDRESS)
    with pytest.raises(sign_in.TooManySignInCodes):
        await _ask(db, settings, _phone(), ADDRESS)
    await _ask(db, settings, _phone(), "192.0.2.2")


async def test_one_device_leaves_five_codes_a_day_unused_wherever_it_asks_from(
    db: Database, settings: Settings
) -> None:
    async def ask(device: str) -> RequestedCode:
        async with db.transaction() as session:
            return await sign_in.request_code(
                session, settings.keys, phone=_phone(), address=uuid4().hex, device=device
            )

    await _give(db, settings, await ask("mine"))
    for _ in range(5):
        await ask("mine")
    with pytest.raises(sign_in.TooManySignInCodes):
        await ask("mine")
    await ask("yours")


async def test_a_code_for_one_use_is_worthless_for_another(db: Database, settings: Settings) -> None:
    phone = _phone()
    async with db.transaction() as session:
        asked = await sign_in.request_code(
            session, settings.keys, phone=phone, address="a", use=Use.STEP_UP, bound_to=b"one session"
        )
    with pytest.raises(sign_in.SignInCodeWrong):
        await _give(db, settings, asked)
    for use, bound_to in ((Use.NEW_PHONE, b"one session"), (Use.STEP_UP, b"another"), (Use.STEP_UP, b"")):
        async with db.transaction() as session:
            with pytest.raises(sign_in.SignInCodeWrong):
                await sign_in.use_code(
                    session,
                    settings.keys,
                    request_id=asked.request_id,
                    phone=phone,
                    code=asked.code,
                    use=use,
                    bound_to=bound_to,
                )


async def test_neither_number_nor_code_nor_address_lies_in_clear(
    db: Database, settings: Settings, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    asked = await _ask(db, settings, _phone(), "198.51.100.7")
    row = await superuser.fetchrow(
        "SELECT t::text FROM sign_in_code AS t WHERE request_id = $1", asked.request_id
    )
    assert row is not None
    for secret in (asked.phone[3:], "198.51.100.7"):
        assert secret not in row[0]
        assert secret.encode().hex() not in row[0]
    assert asked.code not in repr(asked)


async def test_old_codes_are_forgotten_once_no_limit_counts_them(db: Database, settings: Settings) -> None:
    asked = await _ask(db, settings, _phone())
    with clock.travel(clock.now() + timedelta(days=9)):
        async with db.transaction() as session:
            await sign_in.forget_old_codes(session)
    with pytest.raises(sign_in.SignInCodeWrong):
        await _give(db, settings, asked)


async def test_the_development_sender_logs_the_code_and_never_the_number(settings: Settings) -> None:
    phone, request_id = _phone(), uuid4()
    sender = sign_in.default_sender(settings)
    assert isinstance(sender, LogSender)
    with structlog.testing.capture_logs() as logged:
        await sender.send(phone=phone, code="123456", request_id=request_id)
    assert [line["sign_in_code"] for line in logged] == ["123456"]
    assert phone not in str(logged)


async def test_outside_the_embedded_mode_nothing_pretends_to_send(settings: Settings) -> None:
    sender = sign_in.default_sender(settings.model_copy(update={"embedded": False}))
    assert isinstance(sender, NoSender)
    with pytest.raises(sign_in.NoSenderConfigured):
        await sender.send(phone=_phone(), code="123456", request_id=uuid4())


def test_the_figures_in_the_documentation_follow_from_the_limits() -> None:
    told = (Path(__file__).parents[2] / "docs" / "signing-in.md").read_text("utf-8")
    right, a_day = 10.0**-service.CODE_DIGITS, service.CODES_A_DAY_PER_NUMBER
    of_one = a_day * service.ATTEMPTS
    of_a_year = 365 * a_day * service.ATTEMPTS_UNDER_ATTACK + service.UNUSED_A_WEEK * (
        service.ATTEMPTS - service.ATTEMPTS_UNDER_ATTACK
    )
    of_an_address = service.UNUSED_A_DAY_PER_ADDRESS * service.ATTEMPTS
    for guesses, likely in (
        (service.ATTEMPTS, "0.0003 %"),
        (of_one, "0.0024 %"),
        (of_a_year, "0.29 %"),
        (of_an_address, "0.015 %"),
        (100 * of_an_address, "1.5 %"),
    ):
        percent = 100 * (1 - (1 - right) ** guesses)
        assert percent == pytest.approx(float(likely.split()[0]), rel=0.02)
        said = f" {guesses:,} | {likely}".replace(",", " ")
        assert any(said in line for line in told.splitlines()), said
    assert 10_000 * of_an_address * right == pytest.approx(1.5)
    for name, value in (
        ("每码尝试次数", f"{service.ATTEMPTS}"),
        ("每号每日", f"{a_day}"),
        ("每地址每日未用/全部", f"{service.UNUSED_A_DAY_PER_ADDRESS} / {service.CODES_A_DAY_PER_ADDRESS}"),
        ("每设备每日未用/全部", f"{service.UNUSED_A_DAY_PER_DEVICE} / {service.CODES_A_DAY_PER_DEVICE}"),
    ):
        assert f"{name} | {value} |" in told
