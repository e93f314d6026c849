"""Runs a changed methodology or programme over stored acts, whole columns at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from backend import methodologies, programmes
from backend.intake.methods import places_of
from backend.intake.simulating import queries
from backend.intake.simulating.errors import SimulationTooLarge, SimulationTooSmall, WrongKindOfPack
from backend.intake.simulating.outcome import FEWEST, Change, Simulation, Tally
from backend.kit import clock
from backend.kit.errors import DomainError
from backend.methodologies import (
    MISSING,
    Activity,
    Input,
    Methodology,
    Quantifier,
    code_of,
    methodology_of,
    prepare,
)
from backend.methodologies.model import COLUMNS
from backend.packs import Library, Pack, ParameterUnknown, overlay_of
from backend.programmes import Programme, Registered, expires_on, points_for, reckoning, settled
from backend.programmes.features import Campaign

Int64s = NDArray[np.int64]
_EPOCH = date(1970, 1, 1)
_LAST = date(9999, 12, 31)
_DAY = timedelta(days=1)
_NOT_COUNTED = "outside_programme_dates"


async def simulate(
    session: AsyncSession,
    *,
    tried: Sequence[Pack],
    library: Library,
    overlays: Sequence[Pack] | None = None,
    first: date | None = None,
    last: date | None = None,
    programme: str | None = None,
    most_acts: int | None = None,
) -> Simulation:
    """What stored acts of these Shanghai days, both included, would have meant by the packs in `tried`.

    A methodology is tried on the acts that were computed by a pack of the same id, in any version; a programme on the
    acts of its sources; with `programme`, only acts of that one are looked at. A programme that is tried is settled by
    `overlays` (None: those that it runs by, as far as it can take them); one that is not is as it runs, and every other
    pack is taken from `library`. Refuses with `WrongKindOfPack`, `PackFaulty`, `SimulationTooSmall`, `SimulationTooLarge` behind
    `most_acts`, and `PackUnknown` when a source names a programme or overlay that is not there.
    """
    running = {one.code: one for one in await programmes.programmes(session)}
    run = _Run(library, tried, programme, running, overlays)
    sources = {row["id"]: row for row in await queries.sources(session)}
    wanted = [row for row in sources.values() if run.concerns_programme(row["programme"])]
    low = queries.key_of(first or _EPOCH)
    below = queries.key_of(min(last or _LAST, _LAST - _DAY) + _DAY)
    for row in await queries.methods(session):
        if run.concerns_method(row["pack_id"]) and wanted:
            recorded = await methodologies.recover(session, method_id=row["id"])
            names = [item.id for item in recorded.activity.inputs.values() if item.type in COLUMNS]
            async for page in queries.acts(session, method_id=row["id"], inputs=names, low=low, below=below):
                if most_acts is not None and run.tally.total.acts + len(page) > most_acts:
                    raise SimulationTooLarge(most_acts=most_acts)
                run.take(recorded, names, page, sources)
    if 0 < run.tally.people < FEWEST:
        raise SimulationTooSmall(fewest=FEWEST)
    by_points, by_grams = run.tally.bands()
    return Simulation(
        packs={pack.id: pack.sha256 for pack in tried},
        people=run.tally.people,
        total=run.tally.total,
        liability=run.tally.liability,
        groups=run.tally.groups(),
        by_points=by_points,
        by_grams=by_grams,
        campaigns=run.tally.campaigns(),
        refused={code: acts for code, acts in sorted(run.tally.refused.items()) if acts},
    )


@dataclass
class _Run:
    library: Library
    tried: Sequence[Pack]
    only: str | None
    running: Mapping[str, Registered]
    overlays: Sequence[Pack] | None
    tally: Tally = field(default_factory=Tally)
    methods: dict[str, Methodology] = field(default_factory=dict)
    programmes: dict[str, Programme] = field(default_factory=dict)
    _ready: dict[tuple[int, str, str], Quantifier | str] = field(default_factory=dict)
    _known: dict[str, Programme] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pack in self.tried:
            if pack.kind == "methodology":
                self.methods[pack.id] = methodology_of(pack)
            elif pack.kind == "programme":
                self.programmes[pack.id] = self._settled(pack)
            else:
                raise WrongKindOfPack(found=pack.kind)
        self._known.update(self.programmes)

    def _settled(self, pack: Pack) -> Programme:
        if self.overlays is not None:
            return settled.settle(pack, map(overlay_of, settled.concern(pack, self.overlays)))
        runs_by = self.running[pack.id].overlays if pack.id in self.running else ()
        return settled.settle(pack, [overlay for overlay in runs_by if settled.fits(pack, overlay)])

    def concerns_programme(self, code: str) -> bool:
        return self.only in (None, code) and (not self.programmes or code in self.programmes)

    def concerns_method(self, pack_id: str) -> bool:
        return not self.methods or pack_id in self.methods

    def take(
        self, recorded: Quantifier, names: Sequence[str], page: Sequence[Any], sources: Mapping[int, Any]
    ) -> None:
        """Compute a page of acts of one method again, source by source."""
        origins = np.fromiter((row[1] for row in page), dtype=np.int64, count=len(page))
        for source_id in np.unique(origins).tolist():
            source = sources[source_id]
            if not self.concerns_programme(source["programme"]):
                continue
            own = [page[place] for place in np.nonzero(origins == source_id)[0].tolist()]
            self._take(recorded, names, own, source)

    def _take(
        self, recorded: Quantifier, names: Sequence[str], rows: Sequence[Any], source: Mapping[str, Any]
    ) -> None:
        days = np.fromiter((row[0].int >> 96 for row in rows), dtype=np.int64, count=len(rows))
        grams, points = _column(rows, 3), _column(rows, 4)
        given = {name: _column(rows, 5 + place) for place, name in enumerate(names)}
        programme = self._programme(source["programme"])
        counted = self._counted(programme, days)
        after = np.where(counted, self._grams(recorded, given, days, grams, source), 0)
        earned = np.where(
            counted,
            self._points(
                recorded, programme, grams=after, given=given, days=days, evidence=source["evidence"]
            ),
            0,
        )
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        people = [row[2].bytes for row in rows]
        self.tally.add(recorded.activity.id, months, people, Change(grams, after), Change(points, earned))
        self._campaigns(programme, recorded.activity.id, days, people, earned)
        for month in np.unique(months):
            last = expires_on(programme, month.astype("datetime64[D]").astype(object))
            if last is None or last >= clock.today():
                own = months == month
                self.tally.liability += int(earned[own].sum()) - int(points[own].sum())

    def _campaigns(
        self, programme: Programme, activity: str, days: Int64s, people: Sequence[bytes], earned: Int64s
    ) -> None:
        """What the campaigns of a programme that is tried would add to these acts, before their budgets end it."""
        if programme.id not in self.programmes or not programme.features.on("campaigns"):
            return
        for campaign in programme.features.campaigns:
            if campaign.activities and activity not in campaign.activities:
                continue
            inside = (days >= (campaign.first - _EPOCH).days) & (days <= (campaign.last - _EPOCH).days)
            rows = np.nonzero(inside & (earned > 0))[0].tolist()
            if rows:
                self._add_extra(programme, campaign, [people[row] for row in rows], earned[rows])

    def _add_extra(
        self, programme: Programme, campaign: Campaign, people: Sequence[bytes], earned: Int64s
    ) -> None:
        distinct, counts = np.unique(earned, return_counts=True)
        try:
            extra = sum(
                reckoning.extra_of(campaign, points, pack=programme.id) * count
                for points, count in zip(distinct.tolist(), counts.tolist(), strict=True)
            )
        except ParameterUnknown as error:
            self.tally.refused[error.code] += len(people)
            return
        self.tally.add_campaign(campaign.id, extra, people)

    def _counted(self, programme: Programme, days: Int64s) -> NDArray[np.bool_]:
        """Whether the programme takes acts of these days; a programme that is not tried took them all."""
        if programme.id not in self.programmes:
            return np.ones(len(days), dtype=np.bool_)
        last = _LAST if programme.acts_until is None else programme.acts_until
        counted = (days >= (programme.acts_from - _EPOCH).days) & (days <= (last - _EPOCH).days)
        self.tally.refused[_NOT_COUNTED] += int((~counted).sum())
        return counted

    def _grams(
        self,
        recorded: Quantifier,
        given: Mapping[str, Int64s],
        days: Int64s,
        grams: Int64s,
        source: Mapping[str, Any],
    ) -> Int64s:
        method = self.methods.get(recorded.methodology.id)
        if method is None:
            return grams
        after = np.zeros(len(days), dtype=np.int64)
        by_quantifier: dict[int, tuple[Quantifier | str, list[int]]] = {}
        for day in np.unique(days).tolist():
            ready = self._quantifier(method, recorded.activity.id, _EPOCH + timedelta(days=day), source)
            by_quantifier.setdefault(id(ready), (ready, []))[1].append(day)
        for ready, of in by_quantifier.values():
            rows = np.nonzero(np.isin(days, of))[0]
            if isinstance(ready, str):
                self.tally.refused[ready] += len(rows)
                continue
            held = {name: values[rows] for name, values in given.items()}
            columns = {**ready.implied(days[rows]), **_carried(recorded.activity, ready.activity, held)}
            outcome = ready.columns(columns, len(rows))
            after[rows] = outcome.grams
            for error in np.unique(outcome.errors[outcome.errors != 0]).tolist():
                self.tally.refused[ready.reasons[error].code] += int((outcome.errors == error).sum())
        return after

    def _quantifier(
        self, method: Methodology, activity: str, on: date, source: Mapping[str, Any]
    ) -> Quantifier | str:
        """The quantifier for an act's day and source, or the code of why there is none."""
        try:
            edition = method.edition_on(on).id
        except DomainError as error:
            edition = f"#{error.code}"
        key = (source["id"], f"{method.id} {activity}", edition)
        if key not in self._ready:
            overlays = [overlay_of(self.library.find(name)) for name in source["overlays"]]
            try:
                self._ready[key] = prepare(
                    method, activity=activity, on=on, region=source["region"], overlays=overlays
                )
            except DomainError as error:
                self._ready[key] = error.code
        return self._ready[key]

    def _points(
        self,
        recorded: Quantifier,
        programme: Programme,
        *,
        grams: Int64s,
        given: Mapping[str, Int64s],
        days: Int64s,
        evidence: str,
    ) -> Int64s:
        none = np.zeros(len(grams), dtype=np.int64)
        rule = programme.earn_rule(methodology=recorded.methodology.id, activity=recorded.activity.id)
        if rule is None:
            return none
        try:
            points = points_for(
                rule,
                grams=grams,
                weight=programme.weight(evidence),
                inputs=given,
                places=places_of(rule, recorded),
                days=days,
            )
        except ParameterUnknown as error:
            self.tally.refused[error.code] += len(grams)
            return none
        return points

    def _programme(self, code: str) -> Programme:
        if code not in self._known:
            self._known[code] = self.running[code].pack
        return self._known[code]


def _carried(old: Activity, new: Activity, held: Mapping[str, Int64s]) -> dict[str, Int64s]:
    """Inputs as the old pack held them, in the form that the new one holds them in."""
    found = {}
    for name, values in held.items():
        before, after = old.inputs[name], new.inputs.get(name)
        if after is None or after.type not in COLUMNS:
            continue
        alike = (before.step, before.choices, before.type) == (after.step, after.choices, after.type)
        found[name] = values if alike else _again(values, before, after)
    return found


def _again(values: Int64s, before: Input, after: Input) -> Int64s:
    """Each distinct value as people write it, read by the new input; floored to its steps, `MISSING` where it is none."""
    distinct, back = np.unique(values, return_inverse=True)
    again = [_held(int(value), before, after) for value in distinct.tolist()]
    return np.array(again, dtype=np.int64)[back.reshape(-1)]


def _held(value: int, before: Input, after: Input) -> int:
    if value == MISSING:
        return MISSING
    if before.choices or after.choices:
        code = code_of(after, before.show(value)) if after.choices else None
        return MISSING if code is None else code
    return math.floor(value * before.step / after.step)


def _column(rows: Sequence[Any], place: int) -> Int64s:
    return np.fromiter((row[place] for row in rows), dtype=np.int64, count=len(rows))
