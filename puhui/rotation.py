"""Replacing the keys that may be replaced: the log's signing key, and the master key with all that it sealed.

What finds an act, a card or a person again is derived from the root and is not touched: the claim key of a trip is the
same before and after, so that it cannot be claimed twice. Every step may be interrupted and is finished by the next
run: a master key is dropped only when nothing rests on it any more.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from backend import log
from backend.identity import people, staff
from backend.kit.errors import DomainError, Kind
from backend.kit.keys import KeyFiles, Ring, new_key
from puhui import runtime

if TYPE_CHECKING:
    from backend.kit.db import Database
    from backend.kit.settings import Settings

AT_ONCE = 500  # data keys wrapped again in one transaction


@dataclass(eq=False)
class NoOtherMaster(DomainError):
    """There is one master key only: set PUHUI_MASTER_KEY to a new one (`puhui keys new`), PUHUI_OTHER_MASTER_KEYS to the former and PUHUI_ROOT_KEY to the first."""

    code = "keys.no_other_master"
    kind = Kind.INVALID
    title_zh = "只有一把主密钥：请将 PUHUI_MASTER_KEY 设为新密钥（`puhui keys new`），PUHUI_OTHER_MASTER_KEYS 设为旧主密钥，PUHUI_ROOT_KEY 设为最初的密钥。"


@dataclass(frozen=True)
class Rotated:
    """What one run did in one database."""

    persons: int
    totp: int
    log_generation: int | None  # of the log's new key; None when the present one already was the new master's


@dataclass(frozen=True)
class Survey:
    """What rests on which key."""

    log_generation: int
    log_key_of_present_master: bool
    persons_present: int
    persons_former: int
    totp_present: int
    totp_former: int
    not_opened: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def rotate_log(settings: Settings) -> log.PublicKey:
    """Let the next generation sign, in one transaction."""
    async with runtime.database(settings) as db, db.transaction() as session:
        return await log.rotate(session, settings=settings)


async def rotate_master(settings: Settings) -> Rotated:
    """Seal again with the present master what another sealed, and let the log be signed by one of its keys."""
    if not settings.keys.rotating:
        raise NoOtherMaster
    async with runtime.database(settings) as db:
        generation = await _log_key(db, settings)
        async with db.transaction() as session:
            totp = await staff.seal_totp_again(session, settings.keys)
        return Rotated(await _persons(db, settings), totp, generation)


async def _log_key(db: Database, settings: Settings) -> int | None:
    async with db.transaction() as session:
        key, private = await log.signer(session, settings=settings)
        present = settings.keys.signing(f"log/{key.generation}")
        if private.private_bytes_raw() == present.private_bytes_raw():
            return None
        return (await log.rotate(session, settings=settings)).generation


async def _persons(db: Database, settings: Settings) -> int:
    done, after = 0, None
    while True:
        async with db.transaction() as session:
            wrapped, after = await people.wrap_again(session, settings.keys, after=after, count=AT_ONCE)
        done += wrapped
        if after is None:
            return done


def rotate_embedded(settings: Settings) -> dict[str, Rotated]:
    """The same for a data folder, whose files hold the keys: for each of its databases. Nobody else may use it.

    The new master stands in the file before anything is sealed with it, and the old one until nothing is.
    """
    from puhui import embedded
    from puhui.commands.stop import ServersInUse

    with embedded.alone(settings.data_dir) as running:
        if running is None:
            raise ServersInUse(folder=settings.data_dir)
        files = KeyFiles(settings.keys_dir)
        ring = files.read()
        if not ring.others:
            ring = Ring(ring.root, new_key(), (ring.master,))
            files.write(ring)
        done = {}
        for name in embedded.databases(settings.data_dir):
            own = settings.model_copy(update={"embedded_database": name})
            ready = runtime.on_embedded(own, running)
            runtime.migrate(ready)
            done[name] = runtime.run(rotate_master(ready))
        files.write(Ring(ring.root, ring.master))
        return done


async def survey(settings: Settings) -> Survey:
    """Look at every sealed secret, and change nothing."""
    keys = settings.keys
    async with runtime.database(settings) as db, db.transaction() as session:
        key, private = await log.signer(session, settings=settings)
        present = keys.signing(f"log/{key.generation}").private_bytes_raw() == private.private_bytes_raw()
        persons = await people.rests_on(session, keys)
        totp = await staff.rests_on(session, keys)
    return Survey(
        log_generation=key.generation,
        log_key_of_present_master=present,
        persons_present=persons[0],
        persons_former=persons[1],
        totp_present=totp[0],
        totp_former=totp[1],
        not_opened=persons[2] + totp[2],
    )
