"""A programme out of a sound document."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from backend.packs.figures import Known, parse_figure
from backend.programmes.features import (
    Achievement,
    Board,
    Budget,
    Campaign,
    ClaimWindow,
    Features,
    Level,
    Merchant,
    Name,
    NewsItem,
    Prize,
    Redeem,
    Referral,
    Reward,
    Season,
    Sharing,
    Task,
)
from backend.programmes.rules import EarningCap, EarningRule, Programme, Tier, YearEnd
from backend.programmes.sections import FEATURES

Data = Mapping[str, Any]


def build(data: Data, sha256: str, overlays: Mapping[str, str] | None = None) -> Programme:
    """The programme; `overlays` says which of its figures an overlay set."""
    pack, points = data["pack"], data["points"]
    features = features_of(data, overlays or {})
    return Programme(
        id=pack["id"],
        version=pack["version"],
        sha256=sha256,
        title_zh=pack["title_zh"],
        title_en=pack["title_en"],
        jurisdiction=pack["jurisdiction"],
        operator=pack["operator"],
        sample=pack["sample"],
        acts_from=data["acts"]["from"],
        acts_until=data["acts"].get("until"),
        project=data["certification"]["project"],
        correction_term_days=data["certification"].get("correction_term_days"),
        point_zh=points["unit_zh"],
        point_en=points["unit_en"],
        expires_after_months=points.get("expires_after_months"),
        weights={item["tier"]: parse_figure(item["weight"]) for item in data["evidence"]},
        earns=tuple(_earn(item, pack["id"], features) for item in data["earn"]),
        screens=data["screens"]["pack"] if "screens" in data else None,
        caps=tuple(
            EarningCap(
                id=item["id"],
                per=item["per"],
                of=item["of"],
                limit=item["limit"],
                over=item["over"],
                activities=_activities(item),
            )
            for item in data.get("cap", [])
        ),
        late_days=data.get("windows", {}).get("late_days"),
        early_minutes=data.get("windows", {}).get("early_minutes"),
        features=features,
        year_end=_year_end(points),
        money=points.get("money", False),
    )


def features_of(data: Data, overlays: Mapping[str, str]) -> Features:
    """Everything beyond earning; a pack without `[switches]` earns and does no more."""
    switches = data.get("switches")
    budget, claim, sharing, referral = (data.get(name) for name in ("budget", "claim", "sharing", "referral"))
    return Features(
        switches=frozenset({"earning"})
        if switches is None
        else frozenset(name for name in FEATURES if switches.get(name)),
        seasons=tuple(
            Season(id=item["id"], title=_name(item), first=item["first"], last=item["last"])
            for item in data.get("season", [])
        ),
        budget=budget and Budget(_figure(budget, "amount"), budget["floor"], budget["per"]),
        claim=claim
        and ClaimWindow(claim["ripens_after_days"], claim.get("collect_within_hours"), claim["by"]),
        sharing=sharing
        and Sharing(
            _figure(sharing, "share"), _figure(sharing, "most_per_friend"), _figure(sharing, "most_per_day")
        ),
        levels=tuple(
            Level(id=item["id"], title=_name(item), of=item["of"], count=_figure(item, "count"))
            for item in data.get("level", [])
        ),
        tasks=tuple(
            Task(
                id=item["id"],
                title=_name(item),
                measure=item["measure"],
                count=_figure(item, "count"),
                period=item["period"],
                activities=_activities(item),
                points=_figure(item, "points"),
                accept=item.get("accept", False),
            )
            for item in data.get("task", [])
        ),
        achievements=tuple(
            Achievement(
                id=item["id"],
                title=_name(item),
                measure=item["measure"],
                count=_figure(item, "count"),
                activities=_activities(item),
            )
            for item in data.get("achievement", [])
        ),
        referral=referral
        and Referral(
            after_acts=referral["after_acts"],
            within_days=referral["within_days"],
            to_referrer=_figure(referral, "to_referrer"),
            to_referred=_figure(referral, "to_referred"),
            most=referral["most"],
        ),
        campaigns=tuple(
            Campaign(
                id=item["id"],
                title=_name(item),
                first=item["first"],
                last=item["last"],
                activities=_activities(item),
                multiplier=_figure(item, "multiplier"),
                budget=_figure(item, "budget"),
            )
            for item in data.get("campaign", [])
        ),
        rewards=tuple(_reward(item) for item in data.get("reward", [])),
        news=tuple(
            NewsItem(id=item["id"], on=item["on"], title=_name(item), body=_name(item, "body"))
            for item in data.get("news", [])
        ),
        merchants=tuple(
            Merchant(id=item["id"], name=_name(item, "name"), code=item.get("code"))
            for item in data.get("merchant", [])
        ),
        boards=tuple(
            Board(
                id=item["id"],
                title=_name(item),
                measure=item["measure"],
                by=item["by"],
                period=item["period"],
            )
            for item in data.get("board", [])
        ),
        redeem=_redeem(data.get("redeem", {})),
        smallest_group=data.get("groups", {}).get("smallest", 5),
        overlays=dict(overlays),
    )


def _redeem(item: Data) -> Redeem:
    names = ("matures_after_days", "confirm_above_points", "step_up_above_points", "refund_within_days")
    return Redeem(**{name: _figure(item, name) for name in names if name in item})


def _earn(item: Data, programme: str, features: Features) -> EarningRule:
    seasons = {season.id: season for season in features.seasons}
    return EarningRule(
        programme=programme,
        id=item["id"],
        methodology=item["methodology"],
        activity=item["activity"],
        per=item["per"],
        points=_figure(item, "points") if "points" in item else Fraction(0),
        input=item.get("input"),
        tiers=tuple(
            Tier(_figure(tier, "at_least"), _figure(tier, "points")) for tier in item.get("tiers", [])
        ),
        seasons=tuple(seasons[name] for name in item.get("seasons", [])),
    )


def _reward(item: Data) -> Reward:
    return Reward(
        id=item["id"],
        kind=item["kind"],
        title=_name(item),
        price=_figure(item, "price"),
        stock=item.get("stock"),
        most_per_person=item.get("most_per_person"),
        merchant=item.get("merchant"),
        partner=item.get("partner"),
        species=_name(item, "species") if {"species_zh", "species_en"} <= item.keys() else None,
        region=item.get("region"),
        protects_hours=_figure(item, "protects_hours") if "protects_hours" in item else None,
        prizes=tuple(
            Prize(id=prize["id"], title=_name(prize), count=prize["count"])
            for prize in item.get("prizes", [])
        ),
    )


def _year_end(points: Data) -> YearEnd | None:
    if points.get("expiry") != "calendar":
        return None
    month, day = map(int, points["expires_on"].split("-"))
    return YearEnd(month=month, day=day, years=points["years"])


def _figure(item: Data, key: str) -> Known:
    return parse_figure(item[key])


def _name(item: Data, of: str = "title") -> Name:
    return Name(zh=item[f"{of}_zh"], en=item[f"{of}_en"])


def _activities(item: Data) -> tuple[str, ...]:
    return tuple(item.get("activities", ()))
