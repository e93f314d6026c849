"""A contract for a merchant of a test, agreed by two people of an operator who are made once for each database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

from backend.identity import Role, organisations, staff
from backend.kit.db import Database
from backend.kit.keys import Keys
from merchant import contracts

STANDARD = ({"id": "standard", "funding": [{"funder": "programme", "share": "1"}]},)
SINCE = dt.date(2020, 1, 1)
_OPERATORS: WeakKeyDictionary[Database, tuple[UUID, UUID]] = WeakKeyDictionary()


async def operators(db: Database, keys: Keys) -> tuple[UUID, UUID]:
    """Two people of an operator."""
    if db not in _OPERATORS:
        code = f"settler-{uuid4().hex[:8]}"
        async with db.transaction() as session:
            await organisations.create_organisation(
                session, code=code, name_zh="结算运营方", name_en="Settling operator", roles=[Role.OPERATOR]
            )
            first, second = [
                await staff.create_staff(
                    session, keys, organisation_code=code, login=f"{code}-{name}",
                    password="correct horse battery", roles=[Role.OPERATOR],
                )
                for name in ("first", "second")
            ]  # fmt: skip
        _OPERATORS[db] = (first.staff.id, second.staff.id)
    return _OPERATORS[db]


async def agree(
    db: Database,
    keys: Keys,
    *,
    merchant_id: UUID,
    programme: str,
    fen_per_point: str = "1",
    terms: Sequence[dict[str, Any]] = STANDARD,
    valid_from: dt.date = SINCE,
    people: tuple[UUID, UUID] | None = None,
    **about: Any,
) -> contracts.Edition:
    """An edition in force, by which the programme pays one fen for a point unless said otherwise."""
    first, second = people or await operators(db, keys)
    async with db.transaction() as session:
        act = await contracts.propose(
            session, keys, proposed_by=first, merchant_id=merchant_id, programme=programme,
            fen_per_point=fen_per_point, terms=terms, valid_from=valid_from, **about,
        )  # fmt: skip
    async with db.transaction() as session:
        return await contracts.approve(
            session, programme=programme, act_id=act.id, approved_by=second, subject_sha256=act.subject_sha256
        )


async def agree_once(db: Database, keys: Keys, *, merchant_id: UUID, programme: str) -> None:
    """The same, unless there is one already."""
    async with db.transaction() as session:
        known = await contracts.editions_of(session, merchant_id=merchant_id, programme=programme)
    if not known:
        await agree(db, keys, merchant_id=merchant_id, programme=programme)
