"""Whether one lot may be used at all: every reason against it, each with its source."""

from __future__ import annotations

from backend.packs.figures import UNKNOWN
from backend.packs.market_shape import ALLOWANCES
from backend.packs.regions import covers
from offset_bridge.rules.case import Lot
from offset_bridge.rules.rulebook import Exclusion, Rulebook
from offset_bridge.rules.words import COVERED_SOURCE, Reason, fact_missing, hydro_size_unknown


def reasons_against(book: Rulebook, lot: Lot) -> list[Reason]:
    """All reasons why the lot may not be used; none means that it may. `ParameterUnset` when the pack cannot say."""
    unit = book.units.get(lot.unit)
    if unit is None:
        return [_unit_refused(book, lot)]
    found = _counted_elsewhere(lot)
    if unit.filed_required and lot.filed is None:
        found.append(fact_missing("filed", unit.source))
    elif unit.filed_required and not lot.filed:
        found.append(Reason("unfiled", "减排量未备案", "the reductions are not filed", unit.source))
    if unit.local_required:
        found += _not_local(book, lot, unit.source)
    for exclusion in book.exclusions:
        if exclusion.enabled and lot.unit in exclusion.units:
            found += excluded_by(exclusion, lot)
    found += _gases(book, lot)
    found += _too_early(book, lot)
    share = book.share
    if share is not None and lot.unit == share.over.unit and lot.project_region is None:
        found.append(fact_missing("project_region", share.reason.source))
    if not found and lot.tonnes:
        _no_unknown_figure(book, lot)
    return list(dict.fromkeys(found))


def _counted_elsewhere(lot: Lot) -> list[Reason]:
    found: list[Reason] = []
    if lot.own_boundary:
        found.append(
            Reason(
                "own-boundary",
                "减排量产生于本单位边界之内",
                "the reductions arose inside the firm's own boundary",
                COVERED_SOURCE,
            )
        )
    if lot.covered_boundary:
        found.append(
            Reason(
                "covered-boundary",
                "减排量产生于碳市场已覆盖的边界之内",
                "the reductions arose inside a boundary that an emissions trading system covers",
                COVERED_SOURCE,
            )
        )
    return found


def _unit_refused(book: Rulebook, lot: Lot) -> Reason:
    source = book.edition.source
    if lot.unit == book.market.allowance:
        return Reason(
            "allowance-is-no-offset",
            "本市场配额直接用于清缴，不是抵消指标",
            "an allowance is surrendered as such and is no offset",
            source,
        )
    if lot.unit in ALLOWANCES:
        return Reason(
            "allowance-of-another-market",
            "其他市场的配额不能使用",
            "an allowance of another market cannot be used",
            source,
        )
    return Reason(
        "unit-not-accepted",
        "本市场该年度不接受这种指标",
        "this market does not accept this unit in this year",
        source,
    )


def _not_local(book: Rulebook, lot: Lot, source: str) -> list[Reason]:
    if lot.project_region is None:
        return [fact_missing("project_region", source)]
    if covers(book.market.jurisdiction, lot.project_region):
        return []
    return [
        Reason("not-local", "该指标须产生于本地区", "this unit must be from the market's own region", source)
    ]


def excluded_by(exclusion: Exclusion, lot: Lot) -> list[Reason]:
    """The exclusion's reason when it meets the lot, or the reason why that cannot be told."""
    source = exclusion.reason.source
    if lot.ccer_category is not None and lot.ccer_category in exclusion.categories:
        return [exclusion.reason]
    if exclusion.regions and lot.project_region is None:
        return [fact_missing("project_region", source)]
    if any(covers(region, lot.project_region or "") for region in exclusion.regions):
        return [exclusion.reason]
    return _excluded_type(exclusion, lot) if exclusion.types else []


def _excluded_type(exclusion: Exclusion, lot: Lot) -> list[Reason]:
    kind, source = lot.project_type, exclusion.reason.source
    if kind is None:
        return [fact_missing("project_type", source)]
    if kind in exclusion.spared:
        return []
    if kind in exclusion.types or (kind.startswith("hydro-") and "hydro" in exclusion.types):
        return [exclusion.reason]
    if kind == "hydro" and any(excluded.startswith("hydro-") for excluded in exclusion.types):
        return [hydro_size_unknown(source)]
    return []


def _gases(book: Rulebook, lot: Lot) -> list[Reason]:
    found: list[Reason] = []
    for rule in book.gas_shares:
        if lot.unit not in rule.units:
            continue
        if lot.gases is None:
            found.append(fact_missing("gases", rule.reason.source))
        elif (
            rule.at_least != UNKNOWN
            and sum(part for gas, part in lot.gases.items() if gas in rule.gases) < rule.at_least
        ):
            found.append(rule.reason)
    return found


def _no_unknown_figure(book: Rulebook, lot: Lot) -> None:
    """Only a lot that nothing else refuses depends on a part that the pack does not know."""
    for rule in book.gas_shares:
        if lot.unit in rule.units and rule.at_least == UNKNOWN:
            raise book.unset(f"{rule.id}.at_least", rule.reason.source)


def _too_early(book: Rulebook, lot: Lot) -> list[Reason]:
    found: list[Reason] = []
    for rule in book.not_before:
        if lot.unit not in rule.units or lot.project_type in rule.spared:
            continue
        day = lot.vintage_start if rule.field == "vintage_start" else lot.commissioned_on
        if day is None:
            found.append(fact_missing(rule.field, rule.reason.source))
        elif day < rule.day:
            found.append(rule.reason)
    return found
