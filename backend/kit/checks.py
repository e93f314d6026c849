"""What a check of the stored rows answers: how many it looked at, and what is not as it must be.

A noun that owns tables keeps checks over them in its `checks.py`; `puhui audit` runs them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

NAMED = 20  # violations that one rule names; all are counted

Sentence = tuple[str, str]  # in English and in Chinese


@dataclass(frozen=True)
class Violation:
    """Something that is not as it was written: the table, the place in it, and what is wrong."""

    table: str
    place: str
    en: str
    zh: str

    def __str__(self) -> str:
        return f"{self.table} {self.place}: {self.en}"


@dataclass(frozen=True)
class Since:
    """Where an audit that passed ended: what an incremental one looks at was written after this.

    `xid` is the oldest transaction that had not ended then; below it nothing appears any more.
    """

    xid: int
    log_size: int
    log_root: bytes


def written_since(column: str, since: Since | None) -> str:
    """A condition over a transaction's column: true without `since`. Give its `xid` as the parameter `since`."""
    return "true" if since is None else f"{column} >= CAST(CAST(:since AS text) AS xid8)"


def given(since: Since | None) -> dict[str, str]:
    """The parameter that `written_since` mentions."""
    return {} if since is None else {"since": str(since.xid)}


@dataclass
class Checked:
    """The outcome of a check. `found` counts every violation, `violations` names the first ones of each rule."""

    rows: int = 0
    found: int = 0
    violations: list[Violation] = field(default_factory=list)

    def name(self, table: str, place: object, sentence: Sentence) -> None:
        """Add one violation."""
        self.found += 1
        en, zh = sentence
        self.violations.append(Violation(table=table, place=str(place), en=en, zh=zh))

    def add(self, violations: Sequence[Violation]) -> None:
        """Add violations that another check found."""
        self.found += len(violations)
        self.violations += violations


@dataclass(frozen=True)
class Rule:
    """Rows that must not exist. `sql` gives their `place` and, where several things may be wrong, the `fault`."""

    table: str
    sql: str
    faults: Mapping[str, Sentence]

    @classmethod
    def single(cls, table: str, sql: str, *, en: str, zh: str) -> Rule:
        """A rule with one way of being broken; `sql` gives only the place."""
        return cls(table, f"SELECT place, '' AS fault FROM ({sql}) AS one", {"": (en, zh)})  # noqa: S608 - constants of checks


async def look_for(
    session: AsyncSession, checked: Checked, rules: Sequence[Rule], **parameters: Any
) -> Checked:
    """Let each rule name the rows that it forbids. Parameters are given to every rule that mentions them."""
    for rule in rules:
        statement = text(
            f"SELECT place, fault, count(*) OVER () AS n FROM ({rule.sql}) AS bad LIMIT {NAMED}"  # noqa: S608
        )
        given = {name: value for name, value in parameters.items() if f":{name}" in rule.sql}
        rows = (await session.execute(statement, given)).all()
        for row in rows:
            checked.name(rule.table, row.place, rule.faults[row.fault])
        if rows:
            checked.found += rows[0].n - len(rows)
    return checked


async def count_rows(session: AsyncSession, sql: str, **parameters: Any) -> int:
    """The number that a counting statement answers."""
    return int((await session.execute(text(sql), parameters)).scalar_one())
