"""Who sends acts: a source is one feed of one partner into one programme."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import queries
from backend.intake.errors import SourceDiffers, SourceUnknown
from backend.intake.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """One registered feed. `overlays` are the ids of the visible overlays that its acts are computed with."""

    code: str
    programme: str
    partner: str
    region: str
    evidence: str
    mapping: str
    overlays: tuple[str, ...]
    covered_boundary: bool  # its acts arise inside a boundary that some ETS covers: points, and never credits
    id: int = 0


async def register_source(session: AsyncSession, source: Source, *, programme_id: int) -> Source:
    """Register a feed; the same facts again answer the one that stands. Raises SourceDiffers for other facts."""
    await session.execute(
        queries.ADD_SOURCE,
        {
            "code": source.code,
            "programme_id": programme_id,
            "partner": source.partner,
            "region": source.region,
            "evidence": source.evidence,
            "mapping": source.mapping,
            "overlays": list(source.overlays),
            "covered_boundary": source.covered_boundary,
        },
    )
    standing = await source_of(session, source.code)
    for name in (
        "programme", "partner", "region", "evidence", "mapping", "overlays", "covered_boundary",
    ):  # fmt: skip
        if getattr(standing, name) != getattr(source, name):
            raise SourceDiffers(source=source.code, field=name)
    return standing


async def source_of(session: AsyncSession, code: str) -> Source:
    """The source of this code. Raises SourceUnknown."""
    found = await list_sources(session, code=code)
    if not found:
        raise SourceUnknown(source=code)
    return found[0]


async def list_sources(session: AsyncSession, *, code: str | None = None) -> list[Source]:
    """All sources, by code."""
    rows = await session.execute(queries.SOURCES, {"code": code})
    return [
        Source(
            code=row.code,
            programme=row.programme,
            partner=row.partner_code,
            region=row.region,
            evidence=row.evidence,
            mapping=row.mapping,
            overlays=tuple(row.overlays),
            covered_boundary=row.covered_boundary,
            id=row.id,
        )
        for row in rows
    ]


def source_by_mapping(code: str, mapping: Mapping) -> Source:
    """A source with the facts that a mapping suggests."""
    return Source(
        code=code,
        programme=mapping.source.programme,
        partner=mapping.source.partner,
        region=mapping.source.region,
        evidence=mapping.source.evidence,
        mapping=mapping.id,
        overlays=mapping.source.overlays,
        covered_boundary=False,
    )
