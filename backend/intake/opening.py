"""A registered source made ready to take acts: its programme, its mapping, its methods and its screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend import methodologies, packs, programmes
from backend.intake.chunks import Target
from backend.intake.convert import Converter
from backend.intake.errors import OutsideProgramme
from backend.intake.mapping import Mapping
from backend.intake.methods import StoredMethod
from backend.intake.screening import rules_for
from backend.intake.screens import Screens
from backend.intake.sources import Source, source_of
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.methodologies import methodology_of
from backend.packs import Library, OutsideJurisdiction, Overlay
from backend.packs.overlays import overlay_of, require_region
from backend.programmes.budgets import Limit, limit_of
from backend.programmes.purses import purse_of


@dataclass(frozen=True, slots=True)
class Opened:
    """A source with all that reading and storing its acts needs."""

    feed: Source
    mapping: Mapping
    programme: programmes.Programme
    converter: Converter
    resolve: Resolver
    screens: Screens
    budget: Limit | None = None

    def target(self, job_id: UUID) -> Target:
        """Where the acts of a job go."""
        return Target(
            job_id=job_id,
            source_id=self.feed.id,
            programme=self.programme.id,
            project=self.programme.project,
            purse=purse_of(self.programme, clock.today()),
            budget=self.budget,
        )


async def open_source(
    db: Database, settings: Settings, *, source: str, mapping: Mapping, library: Library
) -> Opened:
    """Make a source ready. Raises SourceUnknown, OutsideProgramme, and what packs refuse."""
    async with db.transaction() as session:
        feed = await source_of(session, source)
        programme = (await programmes.programme_of(session, code=feed.programme)).pack
        if mapping.pack is not None:
            await packs.store(session, mapping.pack)
    overlays = [overlay_of(library.find(name)) for name in feed.overlays]
    require_programme(programme, feed, overlays)
    methods = {
        rule.methodology: methodology_of(library.find(rule.methodology))
        for rule in mapping.rules
        if rule.filter is None
    }
    converter = Converter(
        keys=settings.keys,
        mapping=mapping,
        programme=programme,
        methodologies=methods,
        overlays=overlays,
        region=feed.region,
        evidence=feed.evidence,
    )
    return Opened(
        feed,
        mapping,
        programme,
        converter,
        Resolver(db, converter, feed, library),
        Screens(rules_for(programme, library)),
        limit_of(programme),
    )


class Resolver:
    """The converter's methods as the database knows them; new ones are stored when they first occur."""

    def __init__(self, db: Database, converter: Converter, feed: Source, library: Library) -> None:
        self._db, self._converter, self._feed, self._library = db, converter, feed, library
        self._stored: list[StoredMethod] = []

    async def __call__(self) -> Sequence[StoredMethod]:
        for method in self._converter.methods[len(self._stored) :]:
            quantifier = method.quantifier
            async with self._db.transaction() as session:
                reference = await methodologies.reference(session, quantifier, library=self._library)
                filing = await methodologies.filing_status(
                    session,
                    sha256=quantifier.methodology.sha256,
                    region=self._feed.region,
                    on=clock.today(),
                    overlays=quantifier.overlays,
                )
            self._stored.append(
                StoredMethod(
                    id=reference,
                    methodology=quantifier.methodology.id,
                    barrier=_barrier(quantifier.creditable(self._feed.evidence), self._feed, filing),
                    demo=filing == "demo",
                    activity=quantifier.activity.id,
                )
            )
        return self._stored


def _barrier(creditable: bool, feed: Source, filing: str) -> str | None:
    if feed.covered_boundary:
        return "covered_boundary"
    if not creditable:
        return "evidence"
    return "method_not_filed" if filing == "not_filed" else None


def require_programme(programme: programmes.Programme, feed: Source, overlays: Sequence[Overlay]) -> None:
    """Raise OutsideProgramme unless the programme covers the source's region, or an overlay lets it in."""
    try:
        require_region(
            programme.id,
            jurisdiction=programme.jurisdiction,
            excludes=(),
            region=feed.region,
            overlays=overlays,
        )
    except OutsideJurisdiction:
        raise OutsideProgramme(programme=programme.id, region=feed.region) from None
