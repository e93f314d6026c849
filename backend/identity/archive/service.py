"""Putting the archive together."""

from __future__ import annotations

import io
import json
import zipfile
from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import joining, means, people
from backend.identity.archive.contents import TABLES, Table
from backend.kit import clock
from backend.kit.settings import Keys

MOST_HOLDINGS = 10_000
_NEVER = ("xid", "phone_index", "phone_sealed", "hint_sealed", "subject_index", "secret_sealed")
_LEDGER = text("""
    SELECT a.code, a.unit, a.balance, a.due,
           (SELECT json_agg(json_build_object('reason', t.reason, 'amount', t.amount, 'came', t.credit_id = a.id,
                    'happened_at', t.happened_at) ORDER BY t.recorded_at, t.posting_id, t.line)
            FROM ledger_transfer t WHERE t.debit_id = a.id OR t.credit_id = a.id) AS movements
    FROM ledger_account a
    WHERE a.code >= (:kind || ':' || :who || ':') COLLATE "C" AND a.code < (:kind || ':' || :who || ';') COLLATE "C"
    ORDER BY a.code
""")
_KINDS = ("wallet", "pending", "hold", "debt", "benefit", "overpaid")


async def archive_of(session: AsyncSession, keys: Keys, *, participant_id: UUID) -> bytes:
    """A ZIP of JSON files and an index in Chinese and English: the account's, and those of accounts that became one with it."""
    whose = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    files: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    files["person"]["phone"] = [
        phone
        for one in whose
        if (phone := await people.phone_of(session, keys, participant_id=one)) is not None
    ]
    for table in TABLES:
        files[table.file][table.key] = await _rows(session, keys, table, whose)
    await _ends_with(session, keys, whose, files["means"]["means_holding"])
    wallet: list[Any] = []
    for one in whose:
        for kind in _KINDS:
            rows = await session.execute(_LEDGER, {"kind": kind, "who": str(one)})
            wallet += [dict(row._mapping) for row in rows]  # noqa: SLF001
    files["wallets"]["accounts"] = wallet
    return _packed(files)


async def _rows(session: AsyncSession, keys: Keys, table: Table, whose: list[UUID]) -> list[Any]:
    left_out = sorted({*_NEVER, *table.leave_out, table.words})
    words = f", t.{table.words} AS sealed, t.{table.writer or table.by} AS writer" if table.words else ""
    asked = f"SELECT to_jsonb(t) - CAST(:left_out AS text[]) AS body{words} FROM {table.name} t"  # noqa: S608 - from contents.toml
    found = await session.execute(
        text(f"{asked} WHERE {_whose(table)}"), {"left_out": left_out, "whose": whose}
    )
    rows = []
    for row in found:
        body = dict(row.body)
        if table.words and row.sealed is not None:
            body[table.words.removesuffix("_sealed")] = await people.read_words(
                session, keys, participant_id=row.writer, sealed=bytes(row.sealed)
            )
        rows.append(body)
    return rows


def _whose(table: Table) -> str:
    if not table.through:
        return f"t.{table.by} = ANY (CAST(:whose AS uuid[]))"
    here = ", ".join(f"t.{one}" for one in table.on)
    there = ", ".join(f"p.{one}" for one in table.to or table.on)
    return f"({here}) IN (SELECT {there} FROM {table.through} p WHERE p.{table.by} = ANY (CAST(:whose AS uuid[])))"  # noqa: S608


async def _ends_with(session: AsyncSession, keys: Keys, whose: list[UUID], rows: list[Any]) -> None:
    """The last characters of each number, as its holder sees them."""
    ends = {
        one.id: one.hint
        for who in whose
        for one in await means.holdings_of(session, keys, participant_id=who, limit=MOST_HOLDINGS)
    }
    for row in rows:
        row["number_ends_with"] = ends.get(row["id"])


def _packed(files: dict[str, dict[str, list[Any]]]) -> bytes:
    titles = {table.key: (table.zh, table.en) for table in TABLES}
    titles |= {
        "phone": ("手机号", "phone number"),
        "accounts": ("积分账户与变动", "wallets and their movements"),
    }
    lines = [
        "# 您的个人信息副本 · Everything held about you",
        "",
        f"{clock.now().astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M} (Asia/Shanghai)",
        "",
        "| 文件 file | 内容 content | 条数 rows |",
        "|---|---|---|",
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in sorted(files.items()):
            body = json.dumps(parts, ensure_ascii=False, indent=1, default=str)
            archive.writestr(f"{name}.json", body)
            lines += [
                f"| {name}.json | {titles[part][0]} · {titles[part][1]} | {len(rows)} |"
                for part, rows in parts.items()
            ]
        archive.writestr("index.md", "\n".join(lines) + "\n")
    return packed.getvalue()
