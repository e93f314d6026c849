"""What `puhui doctor` looks at. Each check gives findings; a failing one says what to do."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backend.kit.errors import DomainError
from backend.kit.settings import Settings

ROOM_BYTES = 2 * 1024**3
POSTGRES_MAJOR = 18


@dataclass(frozen=True)
class Finding:
    """One thing that holds or does not."""

    name: str
    ok: bool
    zh: str
    en: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def all_checks() -> Iterator[Finding]:
    """Every finding, in the order in which a later one needs the earlier ones."""
    from puhui import runtime

    yield _python()
    yield from _programs()
    yield _environment()
    try:
        settings = runtime.load_settings()
    except DomainError as error:
        yield _refused("settings", error)
        return
    mode = "内置服务器" if settings.embedded else "外部服务器"
    yield Finding("settings", ok=True, zh=f"{mode}，数据目录 {settings.data_dir}", en=_mode(settings))
    yield _keys(settings)
    if settings.embedded:
        yield from _data_folder(settings)
    elif settings.owner_database_url is None:
        yield Finding(
            "owner_url", ok=False,
            zh="未设置 PUHUI_OWNER_DATABASE_URL，无法运行 `puhui migrate`。",
            en="PUHUI_OWNER_DATABASE_URL is not set, so `puhui migrate` cannot run.",
        )  # fmt: skip
    try:
        with runtime.servers(settings) as ready:
            yield from _servers(ready)
    except DomainError as error:
        yield _refused("servers", error)


def _mode(settings: Settings) -> str:
    return f"{'embedded' if settings.embedded else 'given'} servers, data folder {settings.data_dir}"


def _refused(name: str, error: DomainError) -> Finding:
    return Finding(name, ok=False, zh=error.message("zh"), en=error.message("en"))


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    fits = sys.version_info >= (3, 11)
    return Finding(
        "python",
        ok=fits,
        zh=f"Python {found}（需要 3.11 或更新）",
        en=f"Python {found} (3.11 or newer is needed)",
    )


def _programs() -> Iterator[Finding]:
    from puhui.embedded import postgres, valkey

    finders: dict[str, Callable[[], Path]] = {
        "postgres": lambda: postgres.program("postgres"),
        "valkey": valkey.program,
    }
    for name, find in finders.items():
        try:
            path = find()
        except DomainError as error:
            yield _refused(name, error)
            continue
        runs = os.access(path, os.X_OK)
        yield Finding(
            name, ok=runs,
            zh=f"程序{'可用' if runs else '不可执行'}：{path.name}",
            en=f"the program {path.name} {'is there' if runs else 'cannot be executed'}",
        )  # fmt: skip


def _environment() -> Finding:
    """A misspelt setting is silently a default; name it."""
    known = {f"PUHUI_{name}".upper() for name in Settings.model_fields} | {"PUHUI_SAMPLE_DATA"}
    strange = sorted(
        name for name in os.environ if name.upper().startswith("PUHUI_") and name.upper() not in known
    )
    if strange:
        listed = ", ".join(strange)
        return Finding(
            "environment", ok=False, zh=f"未知的环境变量：{listed}", en=f"unknown variables: {listed}"
        )
    return Finding("environment", ok=True, zh="没有未知的 PUHUI_ 变量", en="no unknown PUHUI_ variable")


def _keys(settings: Settings) -> Finding:
    files = [settings.keys_dir / name for name in ("master.key", "ring.json")]
    if settings.master_key is None and settings.embedded:
        if any(path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files):
            return Finding(
                "keys",
                ok=False,
                zh="主密钥文件可被他人读取，应为 0600。",
                en="others may read the master key file; it should be 0600.",
            )
        return Finding(
            "keys",
            ok=True,
            zh="密钥在数据目录中；请用 `puhui keys save` 另行保存，与备份分开",
            en="the keys are in the data folder; save them with `puhui keys save`, apart from the backups",
        )
    try:
        settings.keys.derive("doctor")
    except ValueError:
        return Finding(
            "keys", ok=False,
            zh="PUHUI_MASTER_KEY 缺失或不是至少 32 字节的 base64。",
            en="PUHUI_MASTER_KEY is missing, or is not base64 of at least 32 bytes.",
        )  # fmt: skip
    return Finding("keys", ok=True, zh="主密钥由环境提供", en="the master key comes from the environment")


def _data_folder(settings: Settings) -> Iterator[Finding]:
    place = settings.data_dir
    while not place.exists():
        place = place.parent
    writable = os.access(place, os.W_OK | os.X_OK)
    yield Finding(
        "data_folder", ok=writable,
        zh=f"{'可写' if writable else '不可写，请用 PUHUI_DATA_DIR 另选'}：{place}",
        en=f"{'writable' if writable else 'not writable, choose another with PUHUI_DATA_DIR'}: {place}",
    )  # fmt: skip
    free = shutil.disk_usage(place).free
    yield Finding(
        "disk", ok=free >= ROOM_BYTES,
        zh=f"剩余空间 {free // 1024**2} MiB（至少 {ROOM_BYTES // 1024**2}）",
        en=f"{free // 1024**2} MiB free (at least {ROOM_BYTES // 1024**2} wanted)",
    )  # fmt: skip
    yield _servers_account(settings.data_dir)


def _servers_account(data_dir: Path) -> Finding:
    """Root cannot run PostgreSQL; who can is tried out when the servers start."""
    from puhui.embedded.processes import owner_of_servers

    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            return Finding(
                "account", ok=False,
                zh=f"账户 {os.geteuid()} 在系统中没有名称，initdb 因此拒绝运行。",
                en=f"account {os.geteuid()} has no name on this system, and initdb refuses to run for it.",
            )  # fmt: skip
        return Finding("account", ok=True, zh="以当前账户运行服务器", en="the servers run as this account")
    try:
        uid, _ = owner_of_servers(existing=data_dir / "postgres")
    except DomainError as error:
        return _refused("account", error)
    return Finding(
        "account", ok=True,
        zh=f"root 不运行 PostgreSQL，服务器以账户 {uid} 运行",
        en=f"root does not run PostgreSQL; the servers run as account {uid}",
    )  # fmt: skip


def _servers(settings: Settings) -> Iterator[Finding]:
    from puhui import runtime

    answers = runtime.database_answers(settings)
    yield Finding(
        "database", ok=answers,
        zh="数据库应答" if answers else "数据库无应答，请检查 PUHUI_DATABASE_URL。",
        en="the database answers" if answers else "the database does not answer; check PUHUI_DATABASE_URL.",
    )  # fmt: skip
    if answers:
        yield from runtime.run(_ask_database(settings))
        found, expected = runtime.revisions(settings)
        fits = found == expected or (settings.embedded and found is None)
        yield Finding(
            "schema", ok=fits or settings.embedded,
            zh=f"结构 {found or '空'}，程序需要 {expected}" + ("" if found == expected else "；由 `puhui migrate` 更新"),
            en=f"schema {found or 'empty'}, the code expects {expected}" + ("" if found == expected else "; `puhui migrate` brings it there"),
        )  # fmt: skip
    yield _ask_redis(settings)


async def _ask_database(settings: Settings) -> list[Finding]:
    import asyncpg

    from backend.kit.db import connect_arguments

    assert settings.database_url is not None
    connection = await asyncpg.connect(**connect_arguments(settings.database_url.get_secret_value()))
    try:
        major = int(await connection.fetchval("SHOW server_version_num")) // 10000
        powerful = await connection.fetchval(
            "SELECT rolsuper OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        owns = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user)"
        )
        durable = [
            name
            for name in ("fsync", "synchronous_commit", "full_page_writes")
            if await connection.fetchval("SELECT current_setting($1)", name) == "off"
        ]
        encoding = await connection.fetchval("SHOW server_encoding")
    finally:
        await connection.close()
    return [
        Finding("postgres_version", ok=major >= POSTGRES_MAJOR, zh=f"PostgreSQL {major}（需要 {POSTGRES_MAJOR}）", en=f"PostgreSQL {major} ({POSTGRES_MAJOR} is needed)"),
        Finding(
            "roles", ok=not powerful and not owns,
            zh="应用角色没有多余权限" if not powerful and not owns else "应用角色是超级用户或拥有表，账本的保护因此失效。",
            en="the application role has no more rights than it needs" if not powerful and not owns
            else "the application role is a superuser or owns tables, which voids the ledger's protection.",
        ),
        Finding(
            "durability", ok=not durable,
            zh="提交即落盘" if not durable else f"以下设置已关闭，提交可能丢失：{', '.join(durable)}",
            en="a commit is on disk" if not durable else f"these are off, commits may be lost: {', '.join(durable)}",
        ),
        Finding("encoding", ok=encoding == "UTF8", zh=f"编码 {encoding}", en=f"encoding {encoding}"),
    ]  # fmt: skip


def _ask_redis(settings: Settings) -> Finding:
    import redis

    from puhui import runtime

    if not runtime.redis_answers(settings):
        return Finding(
            "redis",
            ok=False,
            zh="Redis 无应答，请检查 PUHUI_REDIS_URL。",
            en="Redis does not answer; check PUHUI_REDIS_URL.",
        )
    assert settings.redis_url is not None
    client = redis.Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5)
    try:
        info: dict[str, Any] = client.info("memory")
    except redis.RedisError:
        info = {}
    finally:
        client.close()
    policy = str(info.get("maxmemory_policy", "noeviction"))
    fits = policy == "noeviction"
    return Finding(
        "redis", ok=fits,
        zh="Redis 应答" if fits else f"Redis 会丢弃数据（maxmemory-policy {policy}），应为 noeviction。",
        en="Redis answers" if fits else f"Redis drops data (maxmemory-policy {policy}); it should be noeviction.",
    )  # fmt: skip
