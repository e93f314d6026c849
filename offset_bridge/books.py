"""Checks that bridge, credits and market have in common: what was posted, and what the log says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.kit.checks import Checked, Rule
from backend.log import canonical

_NOT_LOGGED = ("the log does not state it as it is", "日志未如实记载")
_NOT_STORED = ("the log states what is not there", "日志所载的事项并不存在")
_TWICE = ("the log states it twice", "日志重复记载")
_AT_ONCE = 50_000

POSTED = {
    "missing": ("nothing was posted for it", "没有对应的记账"),
    "posted": ("what was posted for it is something else", "对应的记账与之不符"),
    "numbers": ("it moved other serial numbers", "所移动的编号与之不符"),
}


def posted_as(table: str, *, expected: str) -> Rule:
    """Rows whose posting is not, line by line, what they say.

    `expected` selects place, posting_id, line, debit, credit, amount, reason: the lines that there should be, by the codes
    of their accounts.
    """
    return Rule(
        table,
        f"""
            SELECT e.place, CASE WHEN a.lines IS NULL THEN 'missing' ELSE 'posted' END AS fault
            FROM (SELECT place, posting_id, array_agg((line, debit, credit, amount, reason)::text ORDER BY line) AS lines
                  FROM ({expected}) one GROUP BY place, posting_id) e
            LEFT JOIN LATERAL (
                SELECT array_agg((t.line, d.code, c.code, t.amount, t.reason)::text ORDER BY t.line) AS lines
                FROM ledger_transfer t
                LEFT JOIN ledger_account d ON d.id = t.debit_id LEFT JOIN ledger_account c ON c.id = t.credit_id
                WHERE t.posting_id = e.posting_id) a ON true
            WHERE a.lines IS DISTINCT FROM e.lines
        """,  # noqa: S608 - put together from constants
        POSTED,
    )


def same_numbers(table: str, *, pairs: str) -> Rule:
    """Postings that moved other numbers than the one before: `pairs` selects place, posting_id and first (a posting)."""
    moved = """
        SELECT p.place, range_agg(m.serials) AS numbers FROM pairs p
        LEFT JOIN serial_movement m ON m.posting_id = p.{posting} GROUP BY p.place
    """
    return Rule.single(
        table,
        f"""
            WITH pairs AS MATERIALIZED ({pairs}), now AS ({moved.format(posting="posting_id")}),
                 before AS ({moved.format(posting="first")})
            SELECT now.place FROM now JOIN before USING (place) WHERE now.numbers IS DISTINCT FROM before.numbers
        """,  # noqa: S608 - put together from constants
        en=POSTED["numbers"][0],
        zh=POSTED["numbers"][1],
    )


def belongs(table: str, *, reasons: str, known: str, en: str, zh: str) -> Rule:
    """Transfers for certain reasons that belong to no row: `reasons` is a condition on t, d and c, `known` the postings."""
    return Rule.single(
        table,
        f"""
            SELECT t.posting_id || '/' || t.line AS place
            FROM ledger_transfer t
            JOIN ledger_account d ON d.id = t.debit_id JOIN ledger_account c ON c.id = t.credit_id
            WHERE {reasons} AND t.posting_id NOT IN ({known})
        """,  # noqa: S608 - put together from constants
        en=en,
        zh=zh,
    )


async def logged(
    session: AsyncSession,
    checked: Checked,
    *,
    table: str,
    kind: str,
    stored: Mapping[str, dict[str, Any]],
    meant: Callable[[dict[str, Any]], bool] = lambda _: True,
) -> None:
    """Compare what the rows say (`stored`: place to body) with the log's entries of a kind, those that are `meant`."""
    said: dict[bytes, int] = {}
    size = await log.size(session)
    for low in range(0, size, _AT_ONCE):
        for entry in await log.entries(session, low=low, high=min(size, low + _AT_ONCE), kind=kind):
            if not meant(entry.body):
                continue
            body = canonical.encode(entry.body)
            if body in said:
                checked.name(table, f"log entry {entry.index}", _TWICE)
            said[body] = entry.index
    wanted = {canonical.encode(body): place for place, body in stored.items()}
    for missing in wanted.keys() - said.keys():
        checked.name(table, wanted[missing], _NOT_LOGGED)
    for index in sorted(said[body] for body in said.keys() - wanted.keys()):
        checked.name(table, f"log entry {index}", _NOT_STORED)
