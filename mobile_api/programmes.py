"""The programmes that run here, and what each of them offers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from backend import programmes
from backend.kit import i18n
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.packs.figures import UNKNOWN, Known
from backend.programmes import Registered, taking_part
from backend.programmes.features import Name
from backend.programmes.sections import FEATURES

router = Router(prefix="/programmes", tags=["programmes"])


class ProgrammeTold(Told):
    """A programme that runs. `offers` are the features that are on; every other one answers 404."""

    code: str
    title: str
    jurisdiction: str
    sample: bool
    point: str
    money: bool = Field(description="what is earned is money in fen, and no points")
    demo_figures: bool = Field(description="some of its figures are set for demonstration only")
    offers: list[str]

    @classmethod
    def of(cls, one: Registered) -> ProgrammeTold:
        pack, chinese = one.pack, i18n.language() == "zh"
        return cls(
            code=one.code,
            title=pack.title_zh if chinese else pack.title_en,
            jurisdiction=pack.jurisdiction,
            sample=pack.sample,
            point=pack.point_zh if chinese else pack.point_en,
            money=pack.money,
            demo_figures=any(overlay.demo for overlay in one.overlays),
            offers=sorted(pack.features.switches),
        )


class SpanTold(Told):
    """A season or a campaign; both days are included, in Shanghai."""

    id: str
    title: str
    first: date
    last: date


class TierTold(Told):
    """What an act earns that reaches `at_least`; only the highest tier that is reached counts. Null: not published."""

    at_least: str | None
    points: str | None


class EarningTold(Told):
    """What an activity earns: `points` per act or per gram of CO2e, exact; or by `tiers` of an `input`. Null: not published."""

    activity: str
    per: str
    points: str | None
    input: str | None
    tiers: list[TierTold]
    seasons: list[str]


class RewardTold(Told):
    """Something that points are given for. `price_points` null: not published, so nobody can have it yet."""

    id: str
    kind: str
    title: str
    price_points: int | None
    merchant: str | None


class MerchantTold(Told):
    """A merchant that the programme names."""

    id: str
    name: str


class SetTold(Told):
    """A figure that the programme's source does not publish and that was set here, by which overlay."""

    parameter: str
    value: str
    overlay: str
    demo: bool


class WholeProgramme(ProgrammeTold):
    """A programme with what it offers. `unknown` are figures that nobody has set: what needs one is refused."""

    acts_from: date
    acts_until: date | None
    expires_after_months: int | None
    collect_within_hours: int | None
    ripens_after_days: int | None
    earnings: list[EarningTold]
    seasons: list[SpanTold]
    campaigns: list[SpanTold]
    levels: list[str]
    rewards: list[RewardTold]
    merchants: list[MerchantTold]
    news: list[str]
    set_by_overlay: list[SetTold]
    unknown: list[str]
    off: list[str]

    @classmethod
    def of(cls, one: Registered) -> WholeProgramme:
        pack, features = one.pack, one.pack.features
        claim = features.claim if features.on("collecting") else None
        demo = {overlay.id: overlay.demo for overlay in one.overlays}
        return cls(
            **ProgrammeTold.of(one).model_dump(),
            acts_from=pack.acts_from,
            acts_until=pack.acts_until,
            expires_after_months=pack.expires_after_months,
            collect_within_hours=claim.collect_within_hours if claim else None,
            ripens_after_days=claim.ripens_after_days if claim else None,
            earnings=[
                EarningTold(
                    activity=rule.activity,
                    per=rule.per,
                    points=None if rule.per == "tier" else _figure(rule.points),
                    input=rule.input,
                    tiers=[
                        TierTold(at_least=_figure(tier.at_least), points=_figure(tier.points))
                        for tier in rule.tiers
                    ],
                    seasons=[season.id for season in rule.seasons],
                )
                for rule in pack.earns
            ],
            seasons=[
                SpanTold(id=item.id, title=_said(item.title), first=item.first, last=item.last)
                for item in features.seasons
            ],
            campaigns=[
                SpanTold(id=item.id, title=_said(item.title), first=item.first, last=item.last)
                for item in features.campaigns
            ],
            levels=[level.id for level in features.levels],
            rewards=[
                RewardTold(
                    id=item.id,
                    kind=item.kind,
                    title=_said(item.title),
                    price_points=None if item.price == UNKNOWN else int(item.price),
                    merchant=item.merchant,
                )
                for item in features.rewards
            ],
            merchants=[MerchantTold(id=item.id, name=_said(item.name)) for item in features.merchants],
            news=[item.id for item in features.news],
            set_by_overlay=[
                SetTold(
                    parameter=parameter, value=one.figures[parameter], overlay=overlay, demo=demo[overlay]
                )
                for parameter, overlay in features.overlays.items()
            ],
            unknown=list(one.unknown),
            off=sorted(set(FEATURES) - features.switches),
        )


def _said(name: Name) -> str:
    return name.zh if i18n.language() == "zh" else name.en


def _figure(figure: Known) -> str | None:
    return None if figure == UNKNOWN else str(figure)


class PartSaid(Asked):
    """Whether I take part from now on."""

    taking_part: Annotated[bool, Field(strict=True)]


class PartTold(Told):
    """Whether I take part in a programme; `left_at` where I do not."""

    programme: str
    taking_part: bool
    left_at: datetime | None


@router.get("", responses=problems(Unauthenticated))
async def list_programmes(_citizen: SignedInCitizen, session: ReadSession) -> list[ProgrammeTold]:
    """Every programme that runs here, by code."""
    return [ProgrammeTold.of(one) for one in await programmes.programmes(session)]


@router.put("/{programme}/part", responses=problems(Unauthenticated, programmes.ProgrammeUnknown))
async def take_part(
    programme: Code, said: PartSaid, citizen: SignedInCitizen, session: WriteSession
) -> PartTold:
    """Leave a programme, or join it again. Points that were earned stay; acts of the time between are not counted."""
    step = taking_part.join if said.taking_part else taking_part.leave
    part = await step(session, participant_id=citizen.id, programme=programme, by=citizen.actor_id)
    return PartTold(programme=programme, taking_part=part.taking_part, left_at=part.left_at)


@router.get("/parts", responses=problems(Unauthenticated))
async def list_parts(citizen: SignedInCitizen, session: ReadSession) -> list[PartTold]:
    """Whether I take part in each programme that runs here, and since when I do not."""
    left = await taking_part.left_by(session, participant_id=citizen.id)
    return [
        PartTold(programme=one.code, taking_part=one.code not in left, left_at=left.get(one.code))
        for one in await programmes.programmes(session)
    ]


@router.get("/{programme}", responses=problems(Unauthenticated, programmes.ProgrammeUnknown))
async def get_programme(programme: Code, _citizen: SignedInCitizen, session: ReadSession) -> WholeProgramme:
    """One programme: what earns, what it offers, and what of it is not published."""
    return WholeProgramme.of(await programmes.programme_of(session, code=programme))
