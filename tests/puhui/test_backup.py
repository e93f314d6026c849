"""The drill: a city with data and a signed head, a backup, more data, a loss, and the way back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from backend import log
from backend.intake import Summary
from backend.kit.db import Database
from backend.kit.keys import KeyFiles, Ring
from backend.kit.settings import Settings
from puhui import embedded, keyfile, runtime
from puhui.audit import audit
from puhui.embedded import manifest, postgres
from puhui.embedded.folder import Folder
from tests.audit.conftest import BIKES, City, said

PASSPHRASE = "four words and a number 7"


@dataclass
class Drill:
    """What is left of the first data folder: its backup, its keys, and what it held after the backup."""

    folder: Path
    backup: Path
    keys: Path
    passphrase: Path
    told: dict[str, Any]
    lost: Summary
    ring: Ring


def environment(data_dir: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
    return {**clean, "PUHUI_DATA_DIR": str(data_dir), "COLUMNS": "160"}


def puhui(data_dir: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "puhui", *map(str, arguments)],
        env=environment(data_dir), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


async def wrong(db: Database, settings: Settings) -> list[str]:
    """What the audit names."""
    return said(await audit(db, settings))


def lost_file() -> str:
    rows = ["account_no,started_at,ended_at,distance_m"]
    rows += [
        f"B{n},2026-11-0{day} 09:00:00,2026-11-0{day} 09:20:00,{3000 + n}"
        for n in range(4)
        for day in (5, 6, 7)
    ]
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
async def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """The first half of the story, told once; its data folder is gone at the end of it."""
    folder = tmp_path_factory.mktemp("drill")
    first, backup, keys, word = (folder / name for name in ("first", "backup", "keys.json", "passphrase"))
    word.write_text(PASSPHRASE + "\n")
    settings = Settings(data_dir=first, embedded=True)
    with runtime.servers(settings) as ready:
        await runtime.migrate_async(ready)
        async with runtime.database(ready) as db:
            city = City(db, ready, folder)
            await city.build()
            done = await asyncio.to_thread(puhui, first, "backup", backup, "--json")
            assert done.returncode == 0, done.stderr
            lost = await city.take_in(BIKES, "bike-share-distance", lost_file())
            await city.seal()
    done = await asyncio.to_thread(puhui, first, "keys", "save", keys, "--passphrase-file", word)
    assert done.returncode == 0, done.stderr
    ring = KeyFiles(first / "keys").read()
    shutil.rmtree(first)
    return Drill(folder, backup, keys, word, json.loads(done_json(backup, ring)), lost, ring)


def done_json(backup: Path, ring: Ring) -> str:
    whole = manifest.read(backup, keys=ring.keys())
    return json.dumps({name: [base.head_size, base.head_note] for name, base in whole.databases.items()})


def restore(drill: Drill, into: Path, source: Path | None = None) -> subprocess.CompletedProcess[str]:
    return puhui(
        into, "restore", source or drill.backup, "--keys", drill.keys,
        "--passphrase-file", drill.passphrase, "--json",
    )  # fmt: skip


async def test_the_restored_head_is_the_backed_up_one_and_the_lost_file_brings_exactly_what_is_missing(
    drill: Drill, tmp_path: Path
) -> None:
    done = await asyncio.to_thread(restore, drill, tmp_path / "second")
    assert done.returncode == 0, done.stderr
    size, note = drill.told["puhui"]
    assert size > 0
    with runtime.servers(Settings(data_dir=tmp_path / "second", embedded=True)) as ready:
        async with runtime.database(ready) as db:
            async with db.transaction() as session:
                head = await log.latest_head(session)
            assert head is not None
            assert (head.size, head.note) == (size, note)
            assert await wrong(db, ready) == []
            city = City(db, ready, tmp_path)
            again = await city.take_in(BIKES, "bike-share-distance", lost_file())
            assert (again.accepted, again.grams) == (drill.lost.accepted, drill.lost.grams)
            assert again.accepted == 12
            twice = await city.take_in(BIKES, "bike-share-distance", lost_file())
            assert (twice.accepted, twice.duplicates) == (0, 12)
            await city.seal()
            assert await wrong(db, ready) == []
            async with db.transaction() as session:
                later = await log.latest_head(session)
            assert later is not None
            assert later.size > size


@pytest.fixture
def spoilt(drill: Drill, tmp_path: Path) -> Iterator[Path]:
    """A copy of the backup, to be spoilt."""
    copy = tmp_path / "spoilt"
    shutil.copytree(drill.backup, copy)
    yield copy
    shutil.rmtree(copy)


def refused(drill: Drill, spoilt: Path, tmp_path: Path, code: str) -> None:
    into = tmp_path / "third"
    done = restore(drill, into, spoilt)
    assert done.returncode != 0
    assert code in done.stderr
    assert not (into / "passwords.json").exists()
    assert not (into / "postgres").exists()


@pytest.mark.parametrize(
    "spoil",
    ["a byte is changed", "a file is cut", "a file is gone", "a file was added", "a setting was added",
     "it was never finished"],
)  # fmt: skip
def test_a_torn_or_changed_backup_is_refused_before_anything_starts(
    drill: Drill, spoilt: Path, tmp_path: Path, spoil: str
) -> None:
    copied = spoilt / "postgres"
    page = max(
        (copied / "base").rglob("[0-9]*"), key=lambda path: path.stat().st_size if path.is_file() else 0
    )
    match spoil:
        case "a byte is changed":
            content = bytearray(page.read_bytes())
            content[len(content) // 2] ^= 1
            page.write_bytes(content)
        case "a file is cut":
            os.truncate(page, page.stat().st_size - 8192)
        case "a file is gone":
            page.unlink()
        case "a file was added":
            (copied / "standby.signal").touch()
        case "a setting was added":
            with (copied / "postgresql.auto.conf").open("a") as file:
                file.write("archive_command = 'touch /tmp/x'\n")
        case "it was never finished":
            (spoilt / manifest.NAME).unlink()
    refused(drill, spoilt, tmp_path, "embedded.backup_incomplete")


def test_a_manifest_rewritten_to_fit_a_changed_file_is_refused(
    drill: Drill, spoilt: Path, tmp_path: Path
) -> None:
    path = spoilt / manifest.NAME
    found = json.loads(path.read_text())
    (spoilt / "postgres" / "standby.signal").touch()
    found["backup"]["files"]["standby.signal"] = [
        0,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]
    path.write_text(json.dumps(found))
    refused(drill, spoilt, tmp_path, "embedded.backup_keys_do_not_fit")


def test_a_folder_in_use_is_never_restored_into(drill: Drill, tmp_path: Path) -> None:
    into = tmp_path / "used"
    (into / "keys").mkdir(parents=True)
    (into / "keys" / "master.key").write_text("somebody's")
    done = restore(drill, into)
    assert done.returncode != 0
    assert "embedded.folder_not_empty" in done.stderr
    assert (into / "keys" / "master.key").read_text() == "somebody's"


def test_a_killed_restore_is_begun_again_and_nothing_starts_on_the_half_of_it(
    drill: Drill, tmp_path: Path
) -> None:
    into = tmp_path / "killed"
    child = subprocess.Popen(
        [sys.executable, "-m", "puhui", "restore", str(drill.backup), "--keys", str(drill.keys),
         "--passphrase-file", str(drill.passphrase)],
        env=environment(into), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (into / "postgres.new" / "base").exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert (into / "restoring").exists()
    with pytest.raises(embedded.DataFolderUnusable, match="restore"), embedded.servers(into):
        pass
    done = restore(drill, into)
    assert done.returncode == 0, done.stderr
    assert not (into / "restoring").exists()
    assert KeyFiles(into / "keys").read() == drill.ring


def test_a_key_file_opens_with_its_passphrase_only_and_is_never_overwritten(
    drill: Drill, tmp_path: Path
) -> None:
    assert keyfile.read(drill.keys, passphrase=PASSPHRASE).ring == drill.ring
    with pytest.raises(keyfile.KeyFileNotOpened):
        keyfile.read(drill.keys, passphrase=PASSPHRASE + "?")
    changed = tmp_path / "changed.json"
    found = json.loads(drill.keys.read_text())
    found["sealed"] = found["sealed"][:-8] + "AAAAAAA="
    changed.write_text(json.dumps(found))
    with pytest.raises(keyfile.KeyFileNotOpened):
        keyfile.read(changed, passphrase=PASSPHRASE)
    with pytest.raises(keyfile.KeyFileExists):
        keyfile.write(drill.keys, keyfile.Secrets(drill.ring, {}), passphrase=PASSPHRASE)
    with pytest.raises(keyfile.PassphraseTooShort):
        keyfile.write(tmp_path / "short.json", keyfile.Secrets(drill.ring, {}), passphrase="short")
    assert drill.keys.stat().st_mode & 0o077 == 0
    for secret in (drill.ring.master.hex(), json.dumps(drill.ring.as_dict()["master"])):
        assert secret not in drill.keys.read_text()
        assert not any(
            secret.encode() in path.read_bytes() for path in drill.backup.rglob("*") if path.is_file()
        )


def test_given_servers_are_told_to_be_backed_up_by_postgresql(tmp_path: Path) -> None:
    given = {
        **environment(tmp_path),
        "PUHUI_DATABASE_URL": "postgresql://h/d",
        "PUHUI_REDIS_URL": "redis://h",
    }
    done = subprocess.run(
        [sys.executable, "-m", "puhui", "backup", str(tmp_path / "x")],
        env=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "puhui.servers_are_given" in done.stderr


# --- given servers ------------------------------------------------------------------------------------------------


async def heads_of(settings: Settings) -> list[log.TreeHead]:
    async with runtime.database(settings) as db, db.transaction() as session:
        newest = await log.latest_head(session)
        return [] if newest is None else [newest]


async def state(settings: Settings, name: str) -> str:
    """Seal a fact, sign the log, and say by the server's clock when that was done."""
    async with runtime.database(settings) as db:
        async with db.transaction() as session:
            await log.append(session, kind="test.fact", body={"name": name})
        await log.seal_and_publish(db, settings=settings)
        async with db.transaction() as session:
            return str((await session.execute(text("SELECT clock_timestamp()::text"))).scalar_one())


async def test_a_base_backup_and_wal_bring_the_books_to_a_chosen_moment(tmp_path: Path) -> None:
    """What docs/operations.md says of given servers, with PostgreSQL's own tools alone."""
    first, second, archive = (tmp_path / name for name in ("first", "second", "archive"))
    settings = Settings(data_dir=first, embedded=True)
    with runtime.servers(settings) as ready:
        await runtime.migrate_async(ready)
    archive.mkdir(mode=0o777)
    archive.chmod(0o777)
    (first / "postgres" / "local.conf").write_text(
        f"archive_mode = on\narchive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'\n"
    )
    give_like(first / "postgres" / "local.conf", first / "postgres")
    with runtime.servers(settings) as ready:
        await state(ready, "before the copy")
        embedded.backup._copy_running(Folder(first), tmp_path / "base")  # noqa: SLF001 - pg_basebackup as we call it
        chosen = await state(ready, "the last that is wanted")
        wanted = await heads_of(ready)
        await asyncio.sleep(0.05)
        await state(ready, "a mistake")
        unwanted = await heads_of(ready)
        await as_superuser(first, "SELECT pg_switch_wal()")
    assert unwanted != wanted
    assert list(archive.iterdir())

    second.mkdir(mode=0o711)
    shutil.copytree(first / "keys", second / "keys")
    shutil.copy(first / "passwords.json", second)
    shutil.copytree(tmp_path / "base", second / "postgres")
    with (second / "postgres" / "local.conf").open("w") as file:
        file.write(
            f"restore_command = 'cp {archive}/%f %p'\nrecovery_target_time = '{chosen}'\n"
            "recovery_target_action = promote\n"
        )
    (second / "postgres" / "recovery.signal").touch()
    for path in (second / "postgres", *(second / "postgres").rglob("*")):
        give_like(path, first / "postgres")
        path.chmod(0o700 if path.is_dir() else 0o600)
    with runtime.servers(Settings(data_dir=second, embedded=True)) as restored:
        for _ in range(100):
            if not await as_superuser(second, "SELECT pg_is_in_recovery()"):
                break
            await asyncio.sleep(0.1)
        assert await heads_of(restored) == wanted
        async with runtime.database(restored) as db:
            assert await wrong(db, restored) == []
        await state(restored, "and on")
        async with runtime.database(restored) as db:
            assert await wrong(db, restored) == []


def give_like(path: Path, like: Path) -> None:
    """To the account of the servers, when root runs the tests."""
    found = like.stat()
    if found.st_uid != path.stat().st_uid:
        os.chown(path, found.st_uid, found.st_gid)


async def as_superuser(data_dir: Path, statement: str) -> Any:
    connection = await asyncpg.connect(
        **postgres.connect_options(Folder(data_dir), role=postgres.SUPERUSER, database="puhui")
    )
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
