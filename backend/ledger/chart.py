"""The chart of accounts: read from `chart.toml`, written to the database by the owner after each migration."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class AccountKind:
    """One kind of account: its unit (`g`, `pt`, `t`, `fen`), its guard (`none`, `floor`, `ceiling`), its serials.

    `serials`: `none`; `hold`, where units have numbers; `mint`, where numbered units come into being.
    """

    kind: str
    unit: str
    guard: str
    serials: str = "none"


@dataclass(frozen=True, slots=True)
class Chart:
    """All kinds by name, and the allowed moves as (reason, debited kind, credited kind)."""

    kinds: dict[str, AccountKind]
    rules: frozenset[tuple[str, str, str]]

    def numbered(self, rule: tuple[str, str, str]) -> bool:
        """Whether a rule is about units with serial numbers; both of its kinds have them, or neither."""
        _, debit, credit = rule
        return self.kinds[debit].serials != "none" and self.kinds[credit].serials == "hold"


@cache
def chart() -> Chart:
    """The chart that this code ships."""
    data = tomllib.loads((Path(__file__).parent / "chart.toml").read_text("utf-8"))
    kinds = {row["kind"]: AccountKind(**row) for row in data["kind"]}
    rules = frozenset(
        (row["reason"], debit, credit) for row in data["reason"] for debit, credit in row["moves"]
    )
    return Chart(kinds=kinds, rules=rules)


def sync(connection: Connection) -> None:
    """Add to the database what the chart has more; a kind in use never changes its unit or guard.

    Raises ValueError when the chart contradicts what the database already holds.
    """
    wanted = chart()
    for row in connection.execute(text("SELECT kind, unit, guard, serials FROM ledger_kind")):
        if wanted.kinds.get(row.kind) != AccountKind(*row):
            raise ValueError(f"chart of accounts: kind {row.kind!r} is stored with another unit or guard")
    for kind in wanted.kinds.values():
        connection.execute(
            text("INSERT INTO ledger_kind VALUES (:kind, :unit, :guard, :serials) ON CONFLICT DO NOTHING"),
            {"kind": kind.kind, "unit": kind.unit, "guard": kind.guard, "serials": kind.serials},
        )
    for rule in sorted(wanted.rules):
        into = _ADD_SERIAL_RULE if wanted.numbered(rule) else _ADD_RULE
        connection.execute(into, dict(zip(("reason", "debit", "credit"), rule, strict=True)))


_ADD_RULE = text("INSERT INTO ledger_rule VALUES (:reason, :debit, :credit) ON CONFLICT DO NOTHING")
_ADD_SERIAL_RULE = text(
    "INSERT INTO ledger_serial_rule VALUES (:reason, :debit, :credit) ON CONFLICT DO NOTHING"
)
