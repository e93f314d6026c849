"""What must hold of a compliance registry: all of it is what two people agreed to, and every number is of one lot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import approvals
from backend.identity.approvals import ActKind, TwoPersonAct
from backend.identity.approvals import checks as approval_checks
from backend.kit import ids
from backend.kit.checks import Checked, Rule, look_for
from offset_bridge.books import logged
from offset_bridge.registry.adoption import RULES
from offset_bridge.registry.fixing import OBLIGATION
from offset_bridge.registry.grants import ALLOCATION, REGISTRATION
from offset_bridge.registry.holding import entity_code
from offset_bridge.registry.opening import MODE

_NO_ACT = ("no approved act of two people stands behind it", "没有经两人批准的事项为据")
_OTHER = ("it is not what the two people agreed to", "与两人所批准的内容不符")
_NOT_DONE = ("the act was approved and nothing came of it", "事项已获批准而未见办理")
_POSTED = ("the numbers are not those that were posted for it", "编号与所记账不符")

_MODES = """
    SELECT market, revision, mode, act_id, proposed_by, approved_by, set_at AS done_at,
           market || ' ' || revision AS place
    FROM registry_mode
"""
_FIGURES = """
    SELECT a.market, a.organisation, o.compliance_year, o.revision, o.issued_t, o.initial_t, o.confirmed_emissions_t,
           o.obligation_t, o.reason, o.act_id, o.proposed_by, o.approved_by, o.fixed_at AS done_at,
           o.account_id || ' ' || o.compliance_year || ' ' || o.revision AS place
    FROM compliance_obligation o LEFT JOIN registry_account a ON a.id = o.account_id
"""
_RULES = """
    SELECT market, compliance_year, revision, pack_sha256, edition, pools, parameters, apply_by::text AS apply_by,
           surrender_by::text AS surrender_by, act_id, proposed_by, approved_by, adopted_at AS done_at,
           market || ' ' || compliance_year || ' ' || revision AS place
    FROM compliance_rules
"""
_GRANTED = text("""
    SELECT l.id, k.code AS book, l.unit, l.source, l.source_id, lower(l.serials) AS low, upper(l.serials) AS high, l.facts
    FROM unit_lot l LEFT JOIN serial_book k ON k.id = l.book_id WHERE l.source <> 'bridged'
    ORDER BY l.source_id, lower(l.serials)
""")
_MINTED = text("""
    SELECT t.posting_id, t.line, d.code AS debit, c.code AS credit, t.amount, t.reason,
           array_agg(lower(m.serials) ORDER BY m.piece) AS lows, array_agg(upper(m.serials) ORDER BY m.piece) AS highs
    FROM ledger_transfer t
    LEFT JOIN ledger_account d ON d.id = t.debit_id
    LEFT JOIN ledger_account c ON c.id = t.credit_id
    LEFT JOIN serial_movement m ON m.posting_id = t.posting_id AND m.line = t.line
    WHERE t.reason IN ('allowance.allocated', 'credit.registered')
    GROUP BY t.posting_id, t.line, d.code, c.code, t.amount, t.reason
""")

_LOTS = (
    Rule(
        "unit_lot",
        """
            SELECT l.id AS place, CASE
                WHEN k.id IS NULL OR k.unit <> l.unit THEN 'book'
                WHEN k.demo AND m.mode IS DISTINCT FROM 'demo' THEN 'demo' ELSE 'market' END AS fault
            FROM unit_lot l LEFT JOIN serial_book k ON k.id = l.book_id
            LEFT JOIN LATERAL (
                SELECT mode FROM registry_mode m WHERE starts_with(k.code, m.market || '-')
                ORDER BY m.revision DESC LIMIT 1) m ON true
            WHERE k.id IS NULL OR k.unit <> l.unit OR m.mode IS NULL OR (k.demo AND m.mode <> 'demo')
        """,
        {
            "book": ("its book is of another unit", "所在编号簿的单位不符"),
            "demo": ("a live registry holds units of a demonstration", "正式登记簿中有演示单位"),
            "market": ("its book is of no market whose registry is open", "所在编号簿不属于已开立的登记簿"),
        },
    ),
    Rule(
        "unit_lot",
        """
            SELECT coalesce(k.code, book_id::text) AS place, CASE
                WHEN NOT coalesce(l.numbers, '{}') @> coalesce(o.numbers, '{}') THEN 'unsaid' ELSE 'unheld' END AS fault
            FROM (SELECT b.book_id, range_agg(b.serials) AS numbers FROM serial_block b
                  WHERE b.book_id IN (
                      SELECT book_id FROM unit_lot
                      UNION SELECT b.book_id FROM serial_block b JOIN ledger_account a ON a.id = b.account_id
                          AND a.kind IN ('entity', 'offered', 'pledged', 'surrendered'))
                  GROUP BY b.book_id) o
            FULL JOIN (SELECT book_id, range_agg(serials) AS numbers FROM unit_lot GROUP BY book_id) l USING (book_id)
            LEFT JOIN serial_book k ON k.id = book_id
            WHERE l.numbers IS DISTINCT FROM o.numbers
        """,
        {
            "unsaid": ("numbers are held of which nobody said what they are", "所持编号中有未登记其所指的"),
            "unheld": ("numbers are said to be something that nobody holds", "所登记的编号无人持有"),
        },
    ),
)
_ACCOUNTS = (
    Rule.single(
        "registry_account",
        """
            SELECT a.id AS place FROM registry_account a LEFT JOIN organisation o ON o.id = a.organisation_id
            WHERE o.code IS DISTINCT FROM a.organisation
        """,
        en="its organisation has another code",
        zh="机构与代码不符",
    ),
    Rule.single(
        "ledger_account",
        """
            SELECT a.code AS place FROM ledger_account a
            WHERE a.kind IN ('entity', 'offered', 'pledged', 'surrendered') AND NOT EXISTS (
                SELECT FROM registry_account r
                WHERE r.organisation = split_part(a.code, ':', 3)
                    AND starts_with(split_part(a.code, ':', 2), r.market || '-'))
        """,
        en="it is of an organisation without an account in this market",
        zh="所属机构在该碳市场没有账户",
    ),
)


async def agreed(session: AsyncSession) -> Checked:
    """Modes, figures, rules and grants are exactly what two people of the authority agreed to, and are in the log."""
    checked = Checked()
    await _as_agreed(session, checked, MODE, table="registry_mode", sql=_MODES, entry="registry.mode_set")
    await _as_agreed(
        session, checked, OBLIGATION, table="compliance_obligation", sql=_FIGURES, entry="obligation.fixed"
    )
    await _as_agreed(session, checked, RULES, table="compliance_rules", sql=_RULES, entry="rules.adopted")
    await _grants(session, checked)
    await _revisions(session, checked)
    return checked


async def accounts(session: AsyncSession) -> Checked:
    """Accounts are of the organisations that they name, as the log says, and nobody else holds anything in a market."""
    rows = (
        await session.execute(
            text("SELECT id, market, organisation, region, regulated FROM registry_account")
        )
    ).mappings()
    stored = {str(row["id"]): {name: row[name] for name in row if name != "id"} for row in rows}
    checked = Checked(rows=len(stored))
    await logged(session, checked, table="registry_account", kind="registry.account_opened", stored=stored)
    return await look_for(session, checked, _ACCOUNTS)


async def lots(session: AsyncSession) -> Checked:
    """Every number that is held in a market's book is of exactly one lot, and every lot's numbers are held."""
    checked = Checked(rows=int((await session.execute(text("SELECT count(*) FROM unit_lot"))).scalar_one()))
    return await look_for(session, checked, _LOTS)


def _same(row: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    return all(row.get(name, ...) == value for name, value in body.items())


async def _as_agreed(
    session: AsyncSession,
    checked: Checked,
    kind: ActKind,
    *,
    table: str,
    sql: str,
    entry: str,
) -> None:
    acts = {act.id: act async for act in approval_checks.every_act(session, kind=kind)}
    rows = {row["act_id"]: dict(row) for row in (await session.execute(text(sql))).mappings()}
    checked.rows += len(rows)
    for act_id, row in rows.items():
        act = acts.get(act_id)
        if act is None or act.decision is not approvals.Decision.APPROVED:
            checked.name(table, row["place"], _NO_ACT)
        elif not by_both(row, act) or not _same(row, act.body):
            checked.name(table, row["place"], _OTHER)
    for act in acts.values():
        if act.decision is approvals.Decision.APPROVED and act.id not in rows:
            checked.name(table, f"act {act.id}", _NOT_DONE)
    stored = {
        str(row["place"]): {**acts[act_id].body, "act": str(act_id)}
        for act_id, row in rows.items()
        if act_id in acts
    }
    await logged(session, checked, table=table, kind=entry, stored=stored)


def by_both(row: Mapping[str, Any], act: TwoPersonAct) -> bool:
    """Whether a row names the two people of its act and the moment of its approval, as `done_at`."""
    return (
        (row["proposed_by"], row["approved_by"]) == (act.proposed_by, act.decided_by)
        and row["proposed_by"] != row["approved_by"]
        and row["done_at"] == act.decided_at
    )


_CHAINS = (
    Rule.single(
        "compliance_obligation",
        """
            SELECT account_id || ' ' || compliance_year AS place FROM compliance_obligation
            GROUP BY account_id, compliance_year HAVING max(revision) <> count(*)
        """,
        en="its revisions are not counted from 1 without a gap",
        zh="修订未从 1 起连续编号",
    ),
    Rule.single(
        "compliance_rules",
        """
            SELECT market || ' ' || compliance_year AS place FROM compliance_rules
            GROUP BY market, compliance_year HAVING max(revision) <> count(*)
        """,
        en="its revisions are not counted from 1 without a gap",
        zh="修订未从 1 起连续编号",
    ),
    Rule.single(
        "compliance_obligation",
        """
            SELECT o.account_id || ' ' || o.compliance_year AS place
            FROM compliance_obligation o LEFT JOIN registry_account a ON a.id = o.account_id
            WHERE a.regulated IS NOT TRUE
        """,
        en="its account is not that of an entity",
        zh="账户不属于重点排放单位",
    ),
)


async def _revisions(session: AsyncSession, checked: Checked) -> None:
    await look_for(session, checked, _CHAINS)


async def _grants(session: AsyncSession, checked: Checked) -> None:
    """Lots and postings of allocation and registration, line by line, against their acts."""
    made: dict[UUID, list[Mapping[str, Any]]] = {}
    for row in (await session.execute(_GRANTED)).mappings():
        made.setdefault(row["source_id"], []).append(dict(row))
    posted: dict[UUID, dict[int, Mapping[str, Any]]] = {}
    for row in (await session.execute(_MINTED)).mappings():
        posted.setdefault(row["posting_id"], {})[row["line"]] = dict(row)
    stated: dict[str, dict[str, dict[str, Any]]] = {"allowance.allocated": {}, "credit.registered": {}}
    for kind, source, entry in (
        (ALLOCATION, "allocated", "allowance.allocated"),
        (REGISTRATION, "registered", "credit.registered"),
    ):
        async for act in approval_checks.every_act(session, kind=kind):
            if act.decision is not approvals.Decision.APPROVED:
                continue
            checked.rows += 1
            granted = _granted(kind, act)
            found, lines = made.pop(act.id, []), posted.pop(act.id, {})
            if not found and not lines:
                checked.name("unit_lot", f"act {act.id}", _NOT_DONE)
                continue
            _compare(checked, act, source=source, reason=entry, granted=granted, found=found, lines=lines)
            stated[entry][str(act.id)] = _stated(kind, act, granted, lines)
        await logged(session, checked, table="unit_lot", kind=entry, stored=stated[entry])
    for left in made.values():
        for one in left:
            checked.name("unit_lot", one["id"], _NO_ACT)
    for posting_id in posted:
        checked.name("ledger_transfer", posting_id, _NO_ACT)


def _granted(kind: ActKind, act: TwoPersonAct) -> list[tuple[str, int, dict[str, Any]]]:
    body = act.body
    if kind is ALLOCATION:
        facts = {"year": body["compliance_year"]}
        return [(one["organisation"], one["quantity_t"], facts) for one in body["allotments"]]
    return [(body["organisation"], body["quantity_t"], body["facts"])]


def _compare(
    checked: Checked,
    act: TwoPersonAct,
    *,
    source: str,
    reason: str,
    granted: Sequence[tuple[str, int, dict[str, Any]]],
    found: Sequence[Mapping[str, Any]],
    lines: Mapping[int, Mapping[str, Any]],
) -> None:
    book, market = act.body["book"], act.body["market"]
    expected = {
        line: (f"{source}:{book}:{market}", entity_code(book, organisation), quantity, reason)
        for line, (organisation, quantity, _) in enumerate(granted, start=1)
    }
    actual = {
        line: (row["debit"], row["credit"], row["amount"], row["reason"]) for line, row in lines.items()
    }
    if expected != actual:
        checked.name("ledger_transfer", act.id, _OTHER)
        return
    pieces = [
        (low, high, granted[line - 1][2])
        for line, row in sorted(lines.items())
        for low, high in zip(row["lows"], row["highs"], strict=True)
    ]
    meant = {
        (ids.derive(act.id, book, low), book, act.body["unit"], source, low, high): facts
        for low, high, facts in pieces
    }
    for row in found:
        key = (row["id"], row["book"], row["unit"], row["source"], row["low"], row["high"])
        if meant.pop(key, None) != row["facts"]:
            checked.name("unit_lot", row["id"], _OTHER)
    for key in meant:
        checked.name("unit_lot", key[0], _POSTED)


def _stated(
    kind: ActKind,
    act: TwoPersonAct,
    granted: Sequence[tuple[str, int, dict[str, Any]]],
    lines: Mapping[int, Mapping[str, Any]],
) -> dict[str, Any]:
    """The log entry of a grant."""
    body = act.body
    serials = {
        line: [[low, high] for low, high in zip(row["lows"], row["highs"], strict=True) if low is not None]
        for line, row in lines.items()
    }
    if kind is ALLOCATION:
        return {
            "market": body["market"],
            "compliance_year": body["compliance_year"],
            "book": body["book"],
            "act": str(act.id),
            "allotments": [
                {"organisation": one[0], "serials": serials.get(line, [])}
                for line, one in enumerate(granted, start=1)
            ],
        }
    return {
        **{name: body[name] for name in ("market", "organisation", "unit", "book", "facts")},
        "serials": serials.get(1, []),
        "act": str(act.id),
    }
