"""A token is good for one surface, for ten minutes, and only as it was signed."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend import identity
from backend.identity import devices, people, tokens
from backend.identity.tokens import Audience, TokenPair, TokenRefused
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings

CITIZEN = Audience.CITIZEN
SUBJECT, SESSION = uuid4(), uuid4()


def _signed(settings: Settings, audience: Audience = CITIZEN) -> str:
    token, _ = tokens.sign_access(settings, audience, subject=SUBJECT, session_id=SESSION)
    return token


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header = jwt.get_unverified_header(token)
    return header, jwt.decode(token, options={"verify_signature": False})


def _key(settings: Settings) -> Ed25519PrivateKey:
    """The key that signs citizens' tokens now."""
    return settings.keys.signing(f"token/citizen/{clock.now().astimezone(UTC):%Y-%m}")


def _resigned(settings: Settings, *, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token signed with the right key but with whatever an attacker, or a mistake of ours, put inside."""
    return jwt.encode(claims, _key(settings), algorithm="EdDSA", headers=header)


def test_a_good_token_names_its_subject_and_session(settings: Settings) -> None:
    bearer = tokens.verify_access(settings, CITIZEN, _signed(settings))
    assert (bearer.audience, bearer.subject, bearer.session_id) == (CITIZEN, SUBJECT, SESSION)


@pytest.mark.parametrize(("minutes", "good"), [(9.9, True), (10.1, False), (-1, False)])
def test_a_token_lasts_ten_minutes_and_is_not_good_before_it_was_made(
    settings: Settings, minutes: float, good: bool
) -> None:
    token = _signed(settings)
    with clock.travel(clock.now() + timedelta(minutes=minutes)):
        if good:
            tokens.verify_access(settings, CITIZEN, token)
        else:
            with pytest.raises(TokenRefused):
                tokens.verify_access(settings, CITIZEN, token)


def test_a_token_of_one_surface_is_worthless_at_the_other(settings: Settings) -> None:
    for made_for, shown_at in [(CITIZEN, Audience.STAFF), (Audience.STAFF, CITIZEN)]:
        with pytest.raises(TokenRefused):
            tokens.verify_access(settings, shown_at, _signed(settings, made_for))


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "aud", "sub", "jti", "sid"])
def test_a_token_without_a_required_claim_is_refused(settings: Settings, claim: str) -> None:
    header, claims = _parts(_signed(settings))
    del claims[claim]
    with pytest.raises(TokenRefused):
        tokens.verify_access(settings, CITIZEN, _resigned(settings, header=header, claims=claims))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("aud", "staff"),
        ("aud", ["citizen", "staff"]),
        ("iss", "somewhere.else"),
        ("sub", "not a uuid"),
        ("sub", 7),
        ("exp", 2**62),
        ("exp", "2099-01-01"),
        ("exp", 1e300),
        ("iat", None),
        ("sid", {}),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused_even_with_a_right_signature(
    settings: Settings, claim: str, value: object
) -> None:
    header, claims = _parts(_signed(settings))
    claims[claim] = value
    token = jwt.api_jws.encode(json.dumps(claims).encode(), _key(settings), algorithm="EdDSA", headers=header)
    with pytest.raises(TokenRefused):
        tokens.verify_access(settings, CITIZEN, token)


def test_a_token_that_was_made_to_last_longer_than_ten_minutes_is_refused(settings: Settings) -> None:
    header, claims = _parts(_signed(settings))
    claims["exp"] += 1
    with pytest.raises(TokenRefused):
        tokens.verify_access(settings, CITIZEN, _resigned(settings, header=header, claims=claims))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("typ", "JWT"),
        ("typ", "puhui-staff+jwt"),
        ("kid", "../../etc/passwd"),
        ("kid", "staff-0"),
        ("kid", ""),
    ],
)
def test_a_token_with_another_type_or_key_id_is_refused(settings: Settings, name: str, value: str) -> None:
    header, claims = _parts(_signed(settings))
    with pytest.raises(TokenRefused):
        tokens.verify_access(
            settings, CITIZEN, _resigned(settings, header=header | {name: value}, claims=claims)
        )


def test_unsigned_and_confused_signatures_are_refused(settings: Settings) -> None:
    header, claims = _parts(_signed(settings))
    public = _key(settings).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    kept = {"kid": header["kid"], "typ": header["typ"]}
    forged = [
        jwt.encode(claims, "", algorithm="none", headers=kept),
        jwt.encode(claims, public, algorithm="HS256", headers=kept),
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=kept),
        _signed(settings)[:-4] + "AAAA",
        "",
        "a.b.c",
        "." * 2000,
        "零.零.零",
    ]
    lying = {**header, "alg": "none"}
    segments = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (lying, claims)]
    forged.append(b".".join([*segments, b""]).decode())
    for token in forged:
        with pytest.raises(TokenRefused):
            tokens.verify_access(settings, CITIZEN, token)


# sessions


async def _begin(db: Database, settings: Settings, subject: UUID | None = None) -> TokenPair:
    async with db.transaction() as session:
        return await tokens.start_session(session, settings, CITIZEN, subject=subject or uuid4())


async def _refresh(
    db: Database, settings: Settings, token: str, audience: Audience = CITIZEN
) -> TokenPair | None:
    async with db.transaction() as session:
        return await tokens.refresh(session, settings, audience, refresh_token=token)


async def _stands(db: Database, settings: Settings, pair: TokenPair) -> bool:
    bearer = tokens.verify_access(settings, CITIZEN, pair.access_token)
    async with db.transaction() as session:
        try:
            await tokens.check_session(session, bearer)
        except TokenRefused:
            return False
        return True


async def test_a_refresh_token_gives_one_next_pair_of_the_same_session(
    db: Database, settings: Settings
) -> None:
    first = await _begin(db, settings)
    second = await _refresh(db, settings, first.refresh_token)
    assert second is not None
    assert second.subject == first.subject
    assert second.refresh_token != first.refresh_token
    assert await _refresh(db, settings, second.refresh_token) is not None


async def test_a_refresh_token_used_twice_ends_the_session_for_both_hands(
    db: Database, settings: Settings
) -> None:
    first = await _begin(db, settings)
    second = await _refresh(db, settings, first.refresh_token)
    assert second is not None
    assert await _stands(db, settings, second)
    assert await _refresh(db, settings, first.refresh_token) is None
    assert await _refresh(db, settings, second.refresh_token) is None
    assert not await _stands(db, settings, second)


async def test_of_many_refreshes_at_once_one_gets_through_and_the_session_ends(
    db: Database, settings: Settings
) -> None:
    first = await _begin(db, settings)
    pairs = await asyncio.gather(*(_refresh(db, settings, first.refresh_token) for _ in range(8)))
    (winner,) = [pair for pair in pairs if pair is not None]
    assert not await _stands(db, settings, winner)


async def test_a_second_refresh_waits_for_the_first_and_then_ends_the_session(
    db: Database, settings: Settings
) -> None:
    first = await _begin(db, settings)
    async with db.transaction() as session:
        winner = await tokens.refresh(session, settings, CITIZEN, refresh_token=first.refresh_token)
        assert winner is not None
        second = asyncio.create_task(_refresh(db, settings, first.refresh_token))
        await asyncio.sleep(0.3)
        assert not second.done()
    assert await second is None
    assert not await _stands(db, settings, winner)


async def test_a_refresh_token_is_for_its_own_surface_and_time(db: Database, settings: Settings) -> None:
    pair = await _begin(db, settings)
    assert await _refresh(db, settings, pair.refresh_token, Audience.STAFF) is None
    assert await _refresh(db, settings, "made up") is None
    with clock.travel(pair.refresh_expires_at):
        assert await _refresh(db, settings, pair.refresh_token) is None
    with clock.travel(pair.refresh_expires_at - timedelta(seconds=10)):
        assert await _refresh(db, settings, pair.refresh_token) is not None


async def test_signing_out_ends_one_session_and_leaving_ends_all(db: Database, settings: Settings) -> None:
    whose = uuid4()
    phone, tablet, other = [await _begin(db, settings, subject) for subject in (whose, whose, uuid4())]
    async with db.transaction() as session:
        bearer = tokens.verify_access(settings, CITIZEN, phone.access_token)
        await tokens.end_session(session, session_id=bearer.session_id)
    assert [await _stands(db, settings, pair) for pair in (phone, tablet, other)] == [False, True, True]
    assert await _refresh(db, settings, phone.refresh_token) is None
    async with db.transaction() as session:
        await tokens.end_sessions_of(session, subject=whose, because="test")
    assert [await _stands(db, settings, pair) for pair in (phone, tablet, other)] == [False, False, True]


async def test_ended_sessions_are_forgotten_after_a_month_and_open_ones_stay(
    db: Database, settings: Settings, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    whose = uuid4()
    ended, stands = [await _begin(db, settings, whose) for _ in range(2)]
    async with db.transaction() as session:
        bearer = tokens.verify_access(settings, CITIZEN, ended.access_token)
        await tokens.end_session(session, session_id=bearer.session_id)
    for days, left in ((29, 2), (31, 1)):
        with clock.travel(clock.now() + timedelta(days=days)):
            async with db.transaction() as session:
                await identity.forget_expired(session)
        assert await superuser.fetchval("SELECT count(*) FROM token_family WHERE subject = $1", whose) == left
    assert await _refresh(db, settings, stands.refresh_token) is not None


async def test_no_refresh_token_lies_in_clear(
    db: Database, settings: Settings, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    pair = await _begin(db, settings)
    digests = await superuser.fetch("SELECT digest FROM refresh_token")
    assert pair.refresh_token.encode() not in {row["digest"] for row in digests}


# sessions of a device


MINE = "a-secret-of-this-device"


async def _bound(db: Database, settings: Settings) -> tuple[TokenPair, bytes, UUID]:
    """A session of a device: its first pair, what the device shows, and the device."""
    async with db.transaction() as session:
        whose = (await people.register(session)).id
        device = await devices.seen(session, settings.keys, participant_id=whose, secret=MINE)
        pair = await tokens.start_session(
            session, settings, CITIZEN, subject=whose, device=(device.id, device.digest)
        )
    return pair, device.digest, device.id


async def _shown(db: Database, settings: Settings, token: str, shown: bytes | None) -> TokenPair | None:
    async with db.transaction() as session:
        return await tokens.refresh(session, settings, CITIZEN, refresh_token=token, shown=shown)


@pytest.mark.parametrize("shown", [None, bytes(32), b"short"])
async def test_a_refresh_token_shown_by_another_device_ends_the_session(
    db: Database, settings: Settings, shown: bytes | None
) -> None:
    first, mine, _ = await _bound(db, settings)
    second = await _shown(db, settings, first.refresh_token, mine)
    assert second is not None
    assert await _shown(db, settings, second.refresh_token, shown) is None
    assert await _shown(db, settings, second.refresh_token, mine) is None
    assert not await _stands(db, settings, second)


async def test_a_device_whose_answer_was_lost_asks_again_and_what_was_lost_is_worthless(
    db: Database, settings: Settings
) -> None:
    first, mine, _ = await _bound(db, settings)
    lost = await _shown(db, settings, first.refresh_token, mine)
    again = await _shown(db, settings, first.refresh_token, mine)
    once_more = await _shown(db, settings, first.refresh_token, mine)
    assert lost is not None
    assert again is not None
    assert once_more is not None
    assert await _stands(db, settings, once_more)
    with clock.travel(clock.now() + timedelta(seconds=1)):
        third = await _shown(db, settings, once_more.refresh_token, mine)
        assert third is not None
        assert await _shown(db, settings, lost.refresh_token, mine) is None  # somebody had read it
        assert not await _stands(db, settings, third)


async def test_asking_again_too_late_or_after_the_next_was_used_ends_the_session(
    db: Database, settings: Settings
) -> None:
    first, mine, _ = await _bound(db, settings)
    second = await _shown(db, settings, first.refresh_token, mine)
    assert second is not None
    with clock.travel(clock.now() + timedelta(seconds=31)):
        assert await _shown(db, settings, first.refresh_token, mine) is None
        assert not await _stands(db, settings, second)
    first, mine, _ = await _bound(db, settings)
    with clock.travel(clock.now() + timedelta(seconds=1)):
        second = await _shown(db, settings, first.refresh_token, mine)
        assert second is not None
    with clock.travel(clock.now() + timedelta(seconds=2)):
        third = await _shown(db, settings, second.refresh_token, mine)
        assert third is not None
        assert await _shown(db, settings, first.refresh_token, mine) is None
        assert not await _stands(db, settings, third)


async def test_revoking_a_device_ends_its_sessions_and_no_others(db: Database, settings: Settings) -> None:
    pair, mine, device_id = await _bound(db, settings)
    other, _, _ = await _bound(db, settings)
    async with db.transaction() as session:
        with pytest.raises(devices.DeviceUnknown):
            await devices.revoke(session, participant_id=other.subject, device_id=device_id)
        await devices.revoke(session, participant_id=pair.subject, device_id=device_id)
    assert [await _stands(db, settings, one) for one in (pair, other)] == [False, True]
    assert await _shown(db, settings, pair.refresh_token, mine) is None
    async with db.transaction() as session:  # signing in again makes another device of it
        again = await devices.seen(session, settings.keys, participant_id=pair.subject, secret=MINE)
        listed = await devices.devices_of(session, settings.keys, participant_id=pair.subject)
    assert [one.id for one in listed] == [again.id, device_id]
    assert [one.revoked_at is None for one in listed] == [True, False]
