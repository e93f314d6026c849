"""From a case and a market to the answer: lots sorted into eligible and not, limits drawn up, the most tonnes chosen."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backend.packs import Market
from backend.packs.figures import UNKNOWN
from backend.packs.regions import covers
from offset_bridge.rules.case import Case, Lot
from offset_bridge.rules.eligibility import excluded_by, reasons_against
from offset_bridge.rules.errors import CaseInvalid, UsedNeedsLots
from offset_bridge.rules.optimum import Limit, Offer, Role, Share, choose
from offset_bridge.rules.rulebook import Rulebook, ShareRule, rulebook_of
from offset_bridge.rules.words import Reason, cut_by


@dataclass(frozen=True, slots=True)
class Line:
    """What may be used of one lot, and why not more."""

    id: str
    usable_t: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit in tonnes and how far it is used, what was used before included. Binding: not one tonne more."""

    id: str
    limit_t: int
    used_t: int
    binding: bool


@dataclass(frozen=True)
class Answer:
    """How much may be used. `cap_t` is None when the cap is unknown and no lot depends on it."""

    market: Market
    edition: str
    cap_t: int | None
    lines: tuple[Line, ...]
    constraints: tuple[Constraint, ...]
    warnings: tuple[Reason, ...]

    @property
    def usable_t(self) -> int:
        """The most tonnes at once."""
        return sum(line.usable_t for line in self.lines)

    def json(self) -> dict[str, Any]:
        """The shape of `puhui offset evaluate`."""
        return {
            "edition": self.edition,
            "cap_t": self.cap_t,
            "usable_t": self.usable_t,
            "lines": [
                {"id": line.id, "usable_t": line.usable_t, "reasons": [r.answer() for r in line.reasons]}
                for line in self.lines
            ],
            "constraints": [
                {"id": c.id, "limit_t": c.limit_t, "used_t": c.used_t, "binding": c.binding}
                for c in self.constraints
            ],
            "warnings": [warning.answer() for warning in self.warnings],
            "market": self.market.market,
            "pack": {"id": self.market.id, "version": self.market.version, "sha256": self.market.sha256},
        }


def evaluate(case: Case, market: Market, *, edition: str | None = None) -> Answer:
    """The greatest use of the holdings under this market's rules. Raises an `OffsetError` when there is no answer.

    The case's year selects the edition; `edition` names one instead, where the authority adopted it for that year by an
    act of its own. A setting that the pack holds as unknown is tried both ways; it is an error only when a lot's
    tonnes differ.
    """
    book = rulebook_of(market, case, edition_id=edition)
    _check_entity(case, market)
    _check_used(book, case)
    refused = {lot.id: tuple(reasons_against(book, lot)) for lot in case.holdings}
    open_settings = sorted(name for name, value in book.settings.items() if value is None)
    known = {name: value for name, value in book.settings.items() if value is not None}
    relevant = [name for name in open_settings if _hangs(book, case, refused, name)]
    answers = [
        _solve(book, case, refused, {**known, **dict(zip(relevant, values, strict=True))})
        for values in itertools.product((False, True), repeat=len(relevant))
    ]
    for answer in answers[1:]:
        if answer.lines != answers[0].lines and _tonnes(answer) != _tonnes(answers[0]):
            share = book.share
            assert share is not None
            raise book.unset(relevant[0], share.reason.source)
    return answers[0]


def _tonnes(answer: Answer) -> list[int]:
    return [line.usable_t for line in answer.lines]


def _check_entity(case: Case, market: Market) -> None:
    region = case.entity.region
    if region is not None and not covers(market.jurisdiction, region, excludes=market.excludes_jurisdictions):
        raise CaseInvalid("entity.region", "不在该市场的地区之内", "is outside the region of this market")


def _check_used(book: Rulebook, case: Case) -> None:
    for field, unit in [
        *((f"used.{unit}", unit) for unit in case.used_totals),
        *((f"used[{place}].unit", lot.unit) for place, lot in enumerate(case.used_lots)),
    ]:
        if unit not in book.units and unit != book.market.allowance:
            raise CaseInvalid(
                field, "本市场该年度不接受这种指标", "is not accepted by this market in this year"
            )
    share = book.share
    if share is None or share.over.unit not in (*case.used_totals, *(lot.unit for lot in case.used_lots)):
        return
    if share.over.unit in case.used_totals:
        raise UsedNeedsLots(field=f"used.{share.over.unit}", rule=share.id, source=share.reason.source)
    for place, lot in enumerate(case.used_lots):
        if lot.unit == share.over.unit and lot.project_region is None:
            raise CaseInvalid(
                f"used[{place}].project_region",
                f"规则 {share.id} 需要该字段",
                f"is needed by the rule {share.id}",
            )


def _hangs(book: Rulebook, case: Case, refused: Mapping[str, tuple[Reason, ...]], setting: str) -> bool:
    share = book.share
    if share is None or setting not in (share.of.unsettled, share.over.unsettled):
        return False
    eligible = [lot for lot in case.holdings if not refused[lot.id]]
    return any(
        side.hangs_on_setting(lot) for lot in (*eligible, *case.used_lots) for side in (share.of, share.over)
    )


def _role(share: ShareRule | None, lot: Lot, settled: Mapping[str, bool]) -> Role:
    if share is None or not share.over.means(lot, settled):
        return "free"
    return "of" if share.of.means(lot, settled) else "rest"


@dataclass(frozen=True, slots=True)
class _Bound:
    """A limit with what it counts. `before_t` is used already; `units` None counts every unit."""

    id: str
    limit_t: int
    before_t: int
    units: frozenset[str] | None
    source: str

    def counts(self, unit: str) -> bool:
        return self.units is None or unit in self.units


def _bounds(book: Rulebook, case: Case) -> list[_Bound]:
    def before(units: frozenset[str] | None) -> int:
        totals = sum(t for unit, t in case.used_totals.items() if units is None or unit in units)
        return totals + sum(lot.tonnes for lot in case.used_lots if units is None or lot.unit in units)

    counted = frozenset(book.edition.counts)
    found = [
        _Bound("obligation", case.entity.obligation_t, before(None), None, book.edition.source),
    ]
    cap = book.cap(case.entity.figures)
    if cap is not None:
        found.insert(0, _Bound("cap", cap, before(counted), counted, book.cap_source))
    if book.pool is not None and book.pool.id not in case.pools:
        units = book.pool.units
        found.append(_Bound(book.pool.id, book.pool.tonnes, before(units), units, book.pool.source))
    for name, left in sorted(case.pools.items()):  # what is left, so nothing used before counts again
        own = book.pool if book.pool is not None and book.pool.id == name else None
        units, source = (own.units, own.source) if own else (counted, book.edition.source)
        limit = min(left, own.tonnes) if own else left
        found.append(_Bound(name, limit, 0, units, source))
    return found


def _solve(
    book: Rulebook, case: Case, refused: Mapping[str, tuple[Reason, ...]], settled: Mapping[str, bool]
) -> Answer:
    bounds = _bounds(book, case)
    share = _share(book, case, settled)
    eligible = sorted((lot for lot in case.holdings if not refused[lot.id]), key=lambda lot: lot.age)
    roles = {lot.id: _role(book.share, lot, settled) for lot in eligible}
    if book.share is not None and share is None and any(role != "free" for role in roles.values()):
        raise book.unset(f"{book.share.id}.at_least", book.share.reason.source)
    offers = [
        Offer(lot.id, lot.tonnes, frozenset(b.id for b in bounds if b.counts(lot.unit)), roles[lot.id])
        for lot in eligible
    ]
    chosen = choose(offers, limits=[Limit(b.id, b.limit_t - b.before_t) for b in bounds], share=share)
    taken = dict.fromkeys((lot.id for lot in eligible), 0) if chosen is None else dict(chosen)
    cap = book.cap(case.entity.figures)
    if cap is None and any(taken.values()):
        raise book.cap_unset()
    constraints = [_constraint(bound, offers, taken) for bound in bounds]
    if share is not None and book.share is not None:
        constraints.append(_share_constraint(book.share, share, offers, taken))
    lines = []
    for lot in case.holdings:
        reasons = refused[lot.id] or _cuts(
            lot,
            role=roles[lot.id],
            taken=taken[lot.id],
            bounds=bounds,
            constraints=constraints,
            share=book.share,
        )
        lines.append(Line(lot.id, taken.get(lot.id, 0), reasons))
    return Answer(
        market=book.market,
        edition=book.edition.id,
        cap_t=cap,
        lines=tuple(lines),
        constraints=tuple(constraints),
        warnings=tuple(_warnings(book, case, refused, settled)),
    )


def _share(book: Rulebook, case: Case, settled: Mapping[str, bool]) -> Share | None:
    if book.share is None or book.share.at_least == UNKNOWN:
        return None
    used = {"of": 0, "rest": 0, "free": 0}
    for lot in case.used_lots:
        used[_role(book.share, lot, settled)] += lot.tonnes
    return Share(Fraction(book.share.at_least), of_used_t=used["of"], rest_used_t=used["rest"])


def _constraint(bound: _Bound, offers: list[Offer], taken: Mapping[str, int]) -> Constraint:
    used = bound.before_t + sum(taken[offer.id] for offer in offers if bound.id in offer.limits)
    return Constraint(bound.id, bound.limit_t, used, used >= bound.limit_t)


def _share_constraint(
    rule: ShareRule, share: Share, offers: list[Offer], taken: Mapping[str, int]
) -> Constraint:
    """In tonnes of the other side: how much of it the chosen side carries, and how much is used."""
    of = share.of_used_t + sum(taken[offer.id] for offer in offers if offer.role == "of")
    rest = share.rest_used_t + sum(taken[offer.id] for offer in offers if offer.role == "rest")
    offered = any(offer.role == "rest" and offer.tonnes for offer in offers)
    carried = share.carries(of)
    if carried is None:
        return Constraint(rule.id, rest, rest, binding=False)
    return Constraint(rule.id, carried, rest, rest >= carried and (rest > 0 or offered))


def _cuts(
    lot: Lot,
    *,
    role: Role,
    taken: int,
    bounds: list[_Bound],
    constraints: list[Constraint],
    share: ShareRule | None,
) -> tuple[Reason, ...]:
    """Why an eligible lot is not used in full: each binding constraint that counts it."""
    if taken == lot.tonnes:
        return ()
    binding = {constraint.id for constraint in constraints if constraint.binding}
    found = [cut_by(b.id, b.source) for b in bounds if b.id in binding and b.counts(lot.unit)]
    broken = share is not None and any(c.id == share.id and c.used_t > c.limit_t for c in constraints)
    if share is not None and share.id in binding and (broken or role == "rest"):
        found.append(share.reason)
    return tuple(found)


def _warnings(
    book: Rulebook, case: Case, refused: Mapping[str, tuple[Reason, ...]], settled: Mapping[str, bool]
) -> list[Reason]:
    source = book.edition.source
    found: list[Reason] = []
    if book.pool is None:
        found.append(
            Reason(
                "no-pool-listed",
                "该年度没有查到全省可用总量，未设总量限制",
                "no province-wide pool is listed for this year; none is applied",
                source,
            )
        )
    elif book.pool.id not in case.pools:
        found.append(
            Reason(
                "pool-remainder-not-given",
                "未给出全省总量的剩余量，按公布的总量计",
                "what is left of the province-wide pool is not given; its published total is taken",
                book.pool.source,
            )
        )
    if any(book.pool is None or name != book.pool.id for name in case.pools):
        found.append(
            Reason(
                "pool-not-in-pack",
                "给出的总量不在规则包中，仍按其剩余量限制",
                "a pool that the pack does not list is given; it limits all the same",
                source,
            )
        )
    if not book.not_before:
        found.append(
            Reason(
                "no-vintage-rule",
                "该版本没有关于减排量产生年份的规则",
                "this edition states no rule on vintages",
                source,
            )
        )
    if book.cap(case.entity.figures) is None:
        found.append(
            Reason(
                "cap-unknown",
                "该版本的抵消上限未知；没有批次取决于它",
                "the cap of this edition is unknown; no lot depends on it",
                book.cap_source,
            )
        )
    eligible = [lot for lot in case.holdings if not refused[lot.id]]
    for name, value in sorted(book.settings.items()):
        if value is None and name in settled:
            found.append(
                Reason(
                    "setting-unknown",
                    f"设定 {name} 未知；结果不取决于它",
                    f"the setting {name} is unknown; the result does not depend on it",
                    source,
                )
            )
    for exclusion in book.exclusions:
        if not exclusion.enabled and any(
            lot.unit in exclusion.units and excluded_by(exclusion, lot) for lot in eligible
        ):
            zh, en = exclusion.reason.message_zh, exclusion.reason.message_en
            found.append(
                Reason(
                    exclusion.id,
                    f"未启用的规则会排除其中的批次：{zh}",
                    f"a rule that is not in force here would refuse a lot: {en}",
                    exclusion.reason.source,
                )
            )
    return found
