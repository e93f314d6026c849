"""Keys are replaced under running books: the log's signing key, the tokens' and the master key."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pyotp
import pytest

from backend import log
from backend.identity import Role, means, people, staff, tokens
from backend.identity.tokens import Audience, TokenRefused
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.keys import KeyFiles, Ring, encoded, new_key
from backend.kit.settings import Settings
from backend.log import heads, queries
from puhui import embedded, rotation, runtime
from puhui.audit import INVARIANTS, audit
from tests.audit.conftest import BIKES, City, Copy, bike_file, copy_of, said


@pytest.fixture
async def copy(servers: embedded.Servers, city: str) -> AsyncIterator[Copy]:
    async with copy_of(servers, city) as made:
        yield made


async def wrong(db: Database, settings: Settings) -> list[str]:
    """What the audit names of the log and of what it seals."""
    chosen = [one for one in INVARIANTS if one.name in {"log.consistent", "seals.rows", "actions.once"}]
    return said(await audit(db, settings, invariants=chosen))


async def grow(db: Database, settings: Settings) -> log.TreeHead | None:
    async with db.transaction() as session:
        await log.append(session, kind="test.fact", body={"n": str(uuid4())})
        return await log.publish(session, settings=settings)


async def keys_of(db: Database) -> list[log.PublicKey]:
    async with db.transaction() as session:
        return await log.public_keys(session)


# --- the log ------------------------------------------------------------------------------------------------------


async def test_the_next_key_signs_and_the_old_ones_last_head_covers_the_entry_that_names_it(
    copy: Copy,
) -> None:
    for generation in (2, 3):
        new = await rotation.rotate_log(copy.settings)
        assert new.generation == generation
        async with copy.db.transaction() as session:
            last = await log.latest_head(session)
            assert last is not None
            (named,) = await log.entries(session, low=last.size - 1, high=last.size)
        old = (await keys_of(copy.db))[generation - 2]
        assert log.verify_head(last.note, key=old).size == last.size
        assert (named.kind, named.body["generation"]) == ("log.key_rotated", generation)
        assert bytes.fromhex(named.body["key_id"]) == new.key_id
        assert bytes.fromhex(named.body["previous_key_id"]) == old.key_id
        head = await grow(copy.db, copy.settings)
        assert head is not None
        assert log.verify_head(head.note, key=new).size == last.size + 1
        with pytest.raises(log.HeadNotGenuine):
            log.verify_head(head.note, key=old)
        assert await wrong(copy.db, copy.settings) == []


async def test_a_rotation_that_does_not_end_leaves_the_old_key(copy: Copy) -> None:
    before = await keys_of(copy.db)

    async def half() -> None:
        async with copy.db.transaction() as session:
            await log.rotate(session, settings=copy.settings)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await half()
    assert await keys_of(copy.db) == before
    head = await grow(copy.db, copy.settings)
    assert head is not None
    assert head.key_id == before[-1].key_id
    assert await wrong(copy.db, copy.settings) == []


async def test_a_key_with_a_successor_signs_no_more_and_a_signer_meanwhile_waits(copy: Copy) -> None:
    async with copy.db.transaction() as session:
        old, private = await log.signer(session, settings=copy.settings)
    async with copy.db.transaction() as rotating:
        await log.rotate(rotating, settings=copy.settings)
        other = asyncio.create_task(grow(copy.db, copy.settings))
        await asyncio.sleep(0.3)
        assert not other.done()
    head = await other
    assert head is not None
    assert head.key_id == (await keys_of(copy.db))[-1].key_id

    async def late() -> None:
        async with copy.db.transaction() as session:
            await log.append(session, kind="test.fact", body={})
            await heads._publish(session, old, private)  # noqa: SLF001 - as a process that read the key before

    with pytest.raises(log.SigningKeyRetired):
        await late()
    assert await wrong(copy.db, copy.settings) == []


async def test_a_head_by_a_retired_key_and_a_key_that_no_entry_names_are_found(
    servers: embedded.Servers, unguarded_city: str
) -> None:
    async with copy_of(servers, unguarded_city) as copy:
        first = heads.signing_key(copy.settings.keys)
        await rotation.rotate_log(copy.settings)
        await grow(copy.db, copy.settings)
        async with copy.db.transaction() as session:
            await log.append(session, kind="test.fact", body={})
            size = await log.size(session)
            root = await queries.root(session, size=size)
        old = (await keys_of(copy.db))[0]
        at = clock.now().replace(microsecond=0)
        note = heads.sign(first, origin=old.name, size=size, root=root, at=at)
        await copy.superuser.execute(
            "INSERT INTO log_tree_head (size, root, signed_at, key_id, note) VALUES ($1, $2, $3, $4, $5)",
            size, root, at, old.key_id, note,
        )  # fmt: skip
        assert any("not in use at that size" in one for one in await wrong(copy.db, copy.settings))
        await copy.superuser.execute("DELETE FROM log_tree_head WHERE size = $1", size)
        assert await wrong(copy.db, copy.settings) == []
        await copy.superuser.execute("UPDATE log_key SET generation = 5 WHERE generation = 2")
        assert any(one.startswith("log.consistent | log_key") for one in await wrong(copy.db, copy.settings))
        await copy.superuser.execute("DELETE FROM log_key WHERE generation = 5")
        assert any(one.startswith("log.consistent | log_key") for one in await wrong(copy.db, copy.settings))


async def test_the_database_takes_no_next_key_that_the_log_does_not_name(copy: Copy) -> None:
    with pytest.raises(log.SigningKeyChanged):
        async with copy.db.transaction() as session:
            await queries.register_key(
                session, generation=2, name=copy.settings.log_origin, public_key=b"k" * 32
            )


# --- tokens -------------------------------------------------------------------------------------------------------


def test_each_month_has_its_own_token_key_and_the_last_tokens_of_a_month_stay_good(
    settings: Settings,
) -> None:
    def signed() -> str:
        return tokens.sign_access(settings, Audience.STAFF, subject=uuid4(), session_id=uuid4())[0]

    midnight = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    with clock.travel(midnight - dt.timedelta(minutes=3)):
        last = signed()
    with clock.travel(midnight + dt.timedelta(minutes=6)):
        tokens.verify_access(settings, Audience.STAFF, last)
        first = signed()
        tokens.verify_access(settings, Audience.STAFF, first)
    with clock.travel(midnight + dt.timedelta(minutes=8)), pytest.raises(TokenRefused):
        tokens.verify_access(settings, Audience.STAFF, last)
    assert tokens_key(first) != tokens_key(last)


def tokens_key(token: str) -> str:
    import jwt

    return str(jwt.get_unverified_header(token)["kid"])


def keyed(settings: Settings, ring: Ring) -> Settings:
    """The same servers with other keys, given as a deployment gives them."""
    return Settings(
        data_dir=settings.data_dir, embedded=True, database_url=settings.database_url,
        owner_database_url=settings.owner_database_url, redis_url=settings.redis_url, log_origin=settings.log_origin,
        master_key=encoded(ring.master), root_key=encoded(ring.root),
        other_master_keys=",".join(encoded(key) for key in ring.others) or None,
    )  # fmt: skip


def ring_of(settings: Settings) -> Ring:
    return KeyFiles(settings.keys_dir).read()


def test_tokens_of_the_former_master_are_good_while_it_is_listed_and_worthless_after(
    settings: Settings,
) -> None:
    one = ring_of(settings).master
    two = new_key()
    token, _ = tokens.sign_access(
        keyed(settings, Ring(one, one)), Audience.CITIZEN, subject=uuid4(), session_id=uuid4()
    )
    tokens.verify_access(keyed(settings, Ring(one, two, (one,))), Audience.CITIZEN, token)
    with pytest.raises(TokenRefused):
        tokens.verify_access(keyed(settings, Ring(one, two)), Audience.CITIZEN, token)
    newer, _ = tokens.sign_access(
        keyed(settings, Ring(one, two, (one,))), Audience.CITIZEN, subject=uuid4(), session_id=uuid4()
    )
    tokens.verify_access(
        keyed(settings, Ring(one, one, (two,))), Audience.CITIZEN, newer
    )  # not yet restarted


# --- the master key -----------------------------------------------------------------------------------------------


async def test_a_new_master_seals_everything_again_and_no_act_can_be_claimed_twice(
    copy: Copy, tmp_path: Path
) -> None:
    one, two = ring_of(copy.settings).master, new_key()
    phone = "13800001234"
    async with copy.db.transaction() as session:
        citizen = await people.citizen_with_phone(session, copy.settings.keys, phone=phone)
        token = means.means_token(copy.settings.keys, "card", "metro", "6222-1")
    during, after = keyed(copy.settings, Ring(one, two, (one,))), keyed(copy.settings, Ring(one, two))

    members = await copy.superuser.fetchval("SELECT count(*) FROM staff")
    persons = await copy.superuser.fetchval("SELECT count(*) FROM person_key")
    done = await rotation.rotate_master(during)
    assert (done.persons, done.totp, done.log_generation) == (persons, members, 2)
    assert persons > 1
    again = await rotation.rotate_master(during)
    assert (again.persons, again.totp, again.log_generation) == (0, 0, None)

    async with copy.db.transaction() as session:
        assert await people.citizen_with_phone(session, after.keys, phone=phone) == citizen
        assert await people.phone_of(session, after.keys, participant_id=citizen) == "+86" + phone
    found = (await rotation.survey(after)).as_dict()
    assert found == {
        "log_generation": 2, "log_key_of_present_master": True, "persons_present": persons, "persons_former": 0,
        "totp_present": members, "totp_former": 0, "not_opened": 0,
    }  # fmt: skip
    assert means.means_token(after.keys, "card", "metro", "6222-1") == token
    city = City(copy.db, after, tmp_path)
    taken = await city.take_in(BIKES, "bike-share-distance", bike_file())
    assert (taken.accepted, taken.duplicates) == (0, taken.received - taken.rejected)
    assert taken.duplicates > 0
    await log.seal_and_publish(copy.db, settings=after)
    assert said(await audit(copy.db, after)) == []

    gone = keyed(
        copy.settings, Ring(one, one)
    )  # who has only the former master opens nothing, and cannot sign
    survey = await rotation.survey(keyed(copy.settings, Ring(one, one, (two,))))
    assert (survey.persons_present, survey.totp_present) == (0, 0)
    async with copy.db.transaction() as session:
        with pytest.raises(log.SigningKeyChanged):
            await log.publish(session, settings=gone)


async def test_a_member_of_staff_signs_in_before_during_and_after(copy: Copy) -> None:
    one, two = ring_of(copy.settings).master, new_key()
    during, after = keyed(copy.settings, Ring(one, two, (one,))), keyed(copy.settings, Ring(one, two))
    async with copy.db.transaction() as session:
        new = await staff.create_staff(
            session, copy.settings.keys, organisation_code="authority", login="third",
            password="correct horse battery", roles=[Role.AUTHORITY],
        )  # fmt: skip
    code = pyotp.parse_uri(new.totp_uri)
    assert isinstance(code, pyotp.TOTP)
    now = clock.now()
    for step, using in enumerate((during, during, after)):
        with clock.travel(now + dt.timedelta(minutes=step)):
            async with copy.db.transaction() as session:
                person = await staff.sign_in(
                    session, using.keys, login="third", password="correct horse battery",
                    totp=code.at(clock.now()),
                )  # fmt: skip
            assert person.id == new.staff.id
        await rotation.rotate_master(during)


async def test_with_another_root_nothing_starts_so_that_no_act_is_claimed_again(copy: Copy) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
    forgotten = {**clean, **runtime.child_environment(copy.settings), "PUHUI_MASTER_KEY": encoded(new_key())}
    for command in (["audit"], ["run", "worker"], ["keys", "rotate", "log"]):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "puhui", *command],
            env=forgotten,
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert "puhui.root_key_changed" in done.stderr


async def test_without_another_master_nothing_is_begun(copy: Copy) -> None:
    with pytest.raises(rotation.NoOtherMaster):
        await rotation.rotate_master(copy.settings)


async def test_a_rotation_killed_half_way_leaves_everything_readable_and_is_finished_by_the_next(
    copy: Copy,
) -> None:
    persons = rotation.AT_ONCE + 40
    one, two = ring_of(copy.settings).master, new_key()
    async with copy.db.transaction() as session:
        for number in range(persons):
            await people.citizen_with_phone(session, copy.settings.keys, phone=f"139{number:08d}")
    during = keyed(copy.settings, Ring(one, two, (one,)))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
    environment = {
        **clean, **runtime.child_environment(during), "PUHUI_MASTER_KEY": encoded(two),
        "PUHUI_OTHER_MASTER_KEYS": encoded(one), "PUHUI_ROOT_KEY": encoded(one),
    }  # fmt: skip
    command = [sys.executable, "-m", "puhui", "keys"]
    async with copy.superuser.transaction():
        await copy.superuser.execute("""
            SELECT FROM person_key ORDER BY participant_id DESC LIMIT 1 FOR UPDATE
        """)
        child = subprocess.Popen([*command, "rotate", "master"], env=environment)  # noqa: ASYNC220 - it is to be killed
        await _waits_for_a_row(copy)
        child.send_signal(signal.SIGKILL)
        child.wait()
    survey = await rotation.survey(during)
    everybody = await copy.superuser.fetchval("SELECT count(*) FROM person_key")
    assert everybody > persons  # there are those who were in the city before
    assert (survey.persons_present, survey.persons_former) == (rotation.AT_ONCE, everybody - rotation.AT_ONCE)
    assert survey.not_opened == 0
    done = await asyncio.to_thread(
        subprocess.run, [*command, "rotate", "master"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = await asyncio.to_thread(
        subprocess.run, [*command, "status", "--json"], env=environment, capture_output=True, text=True
    )
    found = json.loads(told.stdout)
    assert (found["persons_present"], found["persons_former"], found["not_opened"]) == (
        everybody,
        0,
        0,
    )


async def _waits_for_a_row(copy: Copy) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        waiting = await copy.superuser.fetchval("""
            SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid
        """)
        if waiting:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never waited")


# --- a data folder ------------------------------------------------------------------------------------------------


def puhui(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
    return subprocess.run(
        [sys.executable, "-m", "puhui", *arguments],
        env={**clean, "PUHUI_DATA_DIR": str(data_dir)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_embedded_mode_makes_a_new_master_by_itself_while_nobody_else_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    settings = Settings(data_dir=folder, embedded=True)
    phone = "13900000001"

    async def join(ready: Settings) -> None:
        async with runtime.database(ready) as db, db.transaction() as session:
            await people.citizen_with_phone(session, ready.keys, phone=phone)
            await log.append(session, kind="test.fact", body={})
            await log.publish(session, settings=ready)

    with runtime.platform(settings) as ready:
        runtime.run(join(ready))
        busy = puhui(folder, "keys", "rotate", "master")
        assert busy.returncode != 0
        assert "puhui.servers_in_use" in busy.stderr
    files = KeyFiles(folder / "keys")
    first = files.read()

    # an earlier run was killed when the new master was in the file and nothing was sealed with it
    files.write(Ring(first.root, new_key(), (first.master,)))
    interrupted = files.read()
    with runtime.platform(Settings(data_dir=folder, embedded=True)) as ready:
        assert runtime.run(rotation.survey(ready)).persons_former == 1
    done = puhui(folder, "keys", "rotate", "master")
    assert done.returncode == 0, done.stderr
    assert files.read() == Ring(first.root, interrupted.master)

    again = puhui(folder, "keys", "rotate", "master")
    assert again.returncode == 0, again.stderr
    last = files.read()
    assert last.root == first.root
    assert last.master not in {first.master, interrupted.master}
    assert last.others == ()
    with runtime.platform(Settings(data_dir=folder, embedded=True)) as ready:
        found = runtime.run(rotation.survey(ready))
        assert (found.persons_present, found.not_opened, found.log_generation) == (1, 0, 3)
