"""Finding batches and what stands around them; every other module of certification begins here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake, ledger, methodologies, programmes
from backend.certification import queries
from backend.certification.errors import BatchUnknown, NotIssuedYet, ProjectUnknown
from backend.certification.facts import Computed, Feed
from backend.certification.model import Batch, Issuance, OpenPool, Series
from backend.certification.printed import BOOK, DEMO_BOOK
from backend.identity import organisations
from backend.identity.organisations import Organisation
from backend.ledger import Block
from backend.programmes import codes

_POOL = re.compile(r"pool:(?P<project>[^:]+):(?P<methodology>[^:]+):(?P<month>\d{4}-\d{2})(?P<demo>:demo)?")


def series_of_pool(code: str) -> Series | None:
    """The series whose batches take from this pool; None for any other account."""
    named = _POOL.fullmatch(code)
    if named is None:
        return None
    return Series(named["project"], named["methodology"], int(named["month"][:4]), named["demo"] is not None)


async def lock(session: AsyncSession, series: Series) -> None:
    """Wait until nobody else is at work on this series, until the end of this transaction."""
    await session.execute(queries.LOCK, {"series": series.carry_account})


async def batch(session: AsyncSession, batch_id: UUID) -> Batch:
    """The batch with this id, or BatchUnknown."""
    row = (await session.execute(queries.BATCH, {"id": batch_id})).mappings().one_or_none()
    if row is None:
        raise BatchUnknown
    return batch_of(row)


async def locked(session: AsyncSession, batch_id: UUID) -> Batch:
    """The batch as it is once its series is ours; BatchUnknown."""
    await lock(session, (await batch(session, batch_id)).series)
    return await batch(session, batch_id)


async def batches(
    session: AsyncSession,
    *,
    operator_id: UUID | None = None,
    body_id: UUID | None = None,
    project: str | None = None,
    limit: int = 50,
    after: tuple[str, str] | None = None,
) -> list[Batch]:
    """Batches of an operator, of a verification body, of a project, or all; the one closed last first."""
    at, batch_id = after or (None, None)
    given = {
        "operator": operator_id,
        "body": body_id,
        "project": project,
        "at": dt.datetime.fromisoformat(at) if at else None,
        "id": batch_id,
        "limit": limit,
    }
    return [batch_of(row) for row in (await session.execute(queries.BATCHES, given)).mappings()]


async def last_of(session: AsyncSession, series: Series) -> Batch | None:
    """The newest batch of a series."""
    row = (await session.execute(queries.LAST_OF_SERIES, series.as_body())).mappings().one_or_none()
    return None if row is None else batch_of(row)


async def following(session: AsyncSession, batch_id: UUID) -> Batch | None:
    """The batch that goes on from this one."""
    row = (await session.execute(queries.AFTER, {"id": batch_id})).mappings().one_or_none()
    return None if row is None else batch_of(row)


async def series(session: AsyncSession, *, operator_id: UUID | None = None) -> list[Series]:
    """Every series that has a batch, of one operator or of all."""
    rows = await session.execute(queries.SERIES, {"operator": operator_id})
    return [Series(*row) for row in rows]


async def issuance_of(session: AsyncSession, batch_id: UUID) -> Issuance | None:
    """What was issued of a batch."""
    row = (await session.execute(queries.ISSUANCE, {"batch": batch_id})).one_or_none()
    return None if row is None else Issuance(*row)


async def issuance(session: AsyncSession, *, batch_id: UUID) -> Issuance:
    """What was issued of a batch, or NotIssuedYet."""
    found = await issuance_of(session, batch_id)
    if found is None:
        raise NotIssuedYet
    return found


async def holdings(session: AsyncSession, *, organisation: str) -> list[Block]:
    """The credits that an organisation (by its code) holds in the books that they were issued in, by number."""
    return [
        block
        for book in (BOOK, DEMO_BOOK)
        for block in await ledger.blocks(session, prefix=f"holder:{book}:{organisation}")
        if block.account == f"holder:{book}:{organisation}"
    ]


async def open_pools(session: AsyncSession, *, project: str) -> list[OpenPool]:
    """What of a project could be frozen, by series and month."""
    found = []
    for code, grams in (await ledger.balances_by_code(session, codes.pool_prefix(project))).items():
        named = _POOL.fullmatch(code)
        if named is not None and grams > 0:
            month = dt.date.fromisoformat(named["month"] + "-01")
            one = Series(project, named["methodology"], month.year, named["demo"] is not None)
            found.append(OpenPool(one, month, grams))
    return found


@dataclass(frozen=True, slots=True)
class Project:
    """Who runs a project, and where."""

    code: str
    operator: Organisation
    region: str


async def project_of(session: AsyncSession, code: str) -> Project:
    """The project by its code; ProjectUnknown when no programme pools its grams there, or operators share it."""
    running = [one for one in await programmes.programmes(session) if one.pack.project == code]
    if len({one.operator_code for one in running}) != 1:
        raise ProjectUnknown
    try:
        operator = await organisations.organisation_by_code(session, code=running[0].operator_code)
    except organisations.OrganisationUnknown:
        raise ProjectUnknown from None
    return Project(code, operator, running[0].pack.jurisdiction)


async def computed_of(session: AsyncSession, method_ids: Sequence[int]) -> dict[int, Computed]:
    """How the grams of these methods were computed, by the method's id."""
    found = {}
    for method_id in method_ids:
        quantifier = await methodologies.recover(session, method_id=method_id)
        found[method_id] = Computed(
            methodology=quantifier.methodology.id,
            version=quantifier.methodology.version,
            pack_sha256=quantifier.methodology.sha256,
            edition=quantifier.edition.id,
            activity=quantifier.activity.id,
            overlays=tuple(sorted(overlay.sha256 for overlay in quantifier.overlays)),
            engine=quantifier.engine_version,
        )
    return found


async def feeds_by_id(session: AsyncSession) -> dict[int, Feed]:
    """Every source by its id."""
    return {
        one.id: Feed(source=one.code, region=one.region, evidence=one.evidence)
        for one in await intake.list_sources(session)
    }


def next_month(month: dt.date) -> dt.date:
    """The first day of the month after."""
    return (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def batch_of(row: Any) -> Batch:
    given = {name: row[name] for name in Batch.__slots__ if name != "series"}
    one = Series(row["project"], row["methodology"], row["vintage_year"], row["demo"])
    return Batch(series=one, **given)
