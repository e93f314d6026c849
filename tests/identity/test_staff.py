"""Staff show that it is them by a password and a code that is good once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from backend.identity import organisations, staff
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.conftest import PASSWORD, Hire, Hired


async def _sign_in(db: Database, settings: Settings, login: str, *, password: str, totp: str) -> UUID:
    async with db.transaction() as session:
        await staff.count_sign_in(session, login=login)
    async with db.transaction() as session:
        person = await staff.sign_in(session, settings.keys, login=login, password=password, totp=totp)
        return person.id


async def _good(db: Database, settings: Settings, who: Hired) -> UUID:
    return await _sign_in(db, settings, who.login, password=PASSWORD, totp=who.code())


async def test_password_and_code_together_let_in(db: Database, settings: Settings, hire: Hire) -> None:
    who = await hire(Role.OPERATOR, Role.AUTHORITY)
    assert await _good(db, settings, who) == who.id
    async with db.transaction() as session:
        assert (await staff.staff_member(session, staff_id=who.id)).roles == {Role.OPERATOR, Role.AUTHORITY}


async def test_a_code_is_good_once_even_for_twenty_at_once(
    db: Database, settings: Settings, hire: Hire
) -> None:
    who = await hire(Role.OPERATOR)
    code = who.code()

    async def come() -> UUID:
        async with db.transaction() as session:
            person = await staff.sign_in(
                session, settings.keys, login=who.login, password=PASSWORD, totp=code
            )
            return person.id

    came = await asyncio.gather(*(come() for _ in range(20)), return_exceptions=True)
    assert sum(result == who.id for result in came) == 1
    assert sum(isinstance(result, staff.SignInRefused) for result in came) == 19


async def test_an_older_step_is_not_good_after_a_newer_one(
    db: Database, settings: Settings, hire: Hire
) -> None:
    who = await hire(Role.OPERATOR)
    older = who.authenticator.at(clock.now() - timedelta(seconds=30))
    await _good(db, settings, who)
    with pytest.raises(staff.SignInRefused):
        await _sign_in(db, settings, who.login, password=PASSWORD, totp=older)


@pytest.mark.parametrize("seconds_off", [-90, 90])
async def test_a_code_of_another_minute_is_refused(
    db: Database, settings: Settings, hire: Hire, seconds_off: int
) -> None:
    who = await hire(Role.OPERATOR)
    code = who.authenticator.at(clock.now() + timedelta(seconds=seconds_off))
    with pytest.raises(staff.SignInRefused):
        await _sign_in(db, settings, who.login, password=PASSWORD, totp=code)


async def test_five_bad_attempts_lock_for_a_quarter_of_an_hour(
    db: Database, settings: Settings, hire: Hire
) -> None:
    who = await hire(Role.OPERATOR)
    for _ in range(5):
        with pytest.raises(staff.SignInRefused):
            await _sign_in(db, settings, who.login, password="wrong", totp=who.code())
    with pytest.raises(staff.SignInRefused):
        await _good(db, settings, who)
    with clock.travel(clock.now() + timedelta(minutes=14)), pytest.raises(staff.SignInRefused):
        await _good(db, settings, who)
    with clock.travel(clock.now() + timedelta(minutes=16)):
        assert await _good(db, settings, who) == who.id


async def test_a_good_sign_in_forgives_the_bad_ones_before_it(
    db: Database, settings: Settings, hire: Hire
) -> None:
    who = await hire(Role.OPERATOR)
    for turn in range(3):
        for _ in range(4):
            with pytest.raises(staff.SignInRefused):
                await _sign_in(db, settings, who.login, password="wrong", totp="000000")
        with clock.travel(clock.now() + timedelta(minutes=turn + 1)):
            assert await _good(db, settings, who) == who.id


async def test_unknown_logins_and_wrong_passwords_are_refused_in_the_same_words(
    db: Database, settings: Settings, hire: Hire
) -> None:
    who = await hire(Role.OPERATOR)
    said = set()
    for login, password, totp in [
        ("nobody", PASSWORD, "000000"),
        (who.login, "wrong", who.code()),
        (who.login, PASSWORD, "abcdef"),
        (who.login, PASSWORD, "零零零零零零"),
    ]:
        with pytest.raises(staff.SignInRefused) as refused:
            await _sign_in(db, settings, login, password=password, totp=totp)
        said.add(str(refused.value))
    assert len(said) == 1


async def test_whoever_was_dismissed_stays_outside(db: Database, settings: Settings, hire: Hire) -> None:
    who = await hire(Role.OPERATOR)
    async with db.transaction() as session:
        await staff.set_active(session, staff_id=who.id, active=False)
    with pytest.raises(staff.SignInRefused):
        await _good(db, settings, who)


async def test_staff_have_only_roles_of_their_organisation(
    db: Database, settings: Settings, hire: Hire, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    who = await hire(Role.PARTNER)
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code="only-partner", name_zh="合作方", name_en="Partner", roles=[Role.PARTNER]
        )
        for roles in ([Role.AUTHORITY], [Role.PARTNER, Role.OPERATOR], []):
            with pytest.raises(staff.RoleNotOfOrganisation):
                await staff.create_staff(
                    session,
                    settings.keys,
                    organisation_code="only-partner",
                    login="climber",
                    password=PASSWORD,
                    roles=roles,
                )
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await superuser.execute(
            "INSERT INTO staff_role SELECT id, organisation_id, 'authority' FROM staff WHERE id = $1", who.id
        )


@pytest.mark.parametrize(
    ("login", "password", "refusal"),
    [
        ("A", PASSWORD, staff.LoginMisnamed),
        ("with space", PASSWORD, staff.LoginMisnamed),
        ("fine", "elevenchars", staff.PasswordWeak),
        ("same-as-password", "Same-As-Password", staff.PasswordWeak),
    ],
)
async def test_weak_beginnings_are_refused(
    db: Database, settings: Settings, login: str, password: str, refusal: type[Exception]
) -> None:
    async with db.transaction() as session:
        with pytest.raises(refusal):
            await staff.create_staff(
                session,
                settings.keys,
                organisation_code="any",
                login=login,
                password=password,
                roles=[Role.OPERATOR],
            )


async def test_a_login_and_a_code_of_an_organisation_are_taken_once(
    db: Database, settings: Settings, hire: Hire
) -> None:
    who = await hire(Role.OPERATOR)
    async with db.transaction() as session:
        person = await staff.staff_member(session, staff_id=who.id)
        employer = await organisations.organisation(session, organisation_id=person.organisation_id)
        with pytest.raises(staff.LoginTaken):
            await staff.create_staff(
                session,
                settings.keys,
                organisation_code=employer.code,
                login=who.login,
                password=PASSWORD,
                roles=[Role.OPERATOR],
            )
        with pytest.raises(organisations.OrganisationCodeTaken):
            await organisations.create_organisation(
                session, code=employer.code, name_zh="又一", name_en="Again", roles=[]
            )


async def test_no_secret_of_staff_lies_in_clear(
    hire: Hire, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    who = await hire(Role.OPERATOR)
    row = await superuser.fetchrow("SELECT * FROM staff WHERE id = $1", who.id)
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$")
    assert who.authenticator.secret.encode() not in row["totp_sealed"]
