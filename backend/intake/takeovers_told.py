"""Telling a means' holder and whoever asked for it what became of a takeover; neither learns who the other is."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import inbox
from backend.identity.means.takeovers import Takeover
from backend.inbox import Kind, Topic
from backend.kit import clock

_ASKED_FOR = Kind(
    "means.asked_for",
    Topic.ACCOUNT,
    "有人以运营方的绑定码申请转移您绑定的载体（$operator，第 $holding 项）。如有异议，请于 $until 前提出；此前的行为仍归您。",
    "Somebody showed $operator's code of what you linked (item $holding) and asks for it. Object until $until if it is yours; what was "
    "done with it before stays yours.",
)
_OBJECTED = Kind(
    "means.objected",
    Topic.ACCOUNT,
    "您申请转移的载体（$operator）现持有人提出了异议，将由运营方人员裁定。",
    "The holder of what you asked for ($operator) objects; a person of the operator decides.",
)
_GRANTED = Kind(
    "means.granted",
    Topic.ACCOUNT,
    "运营方已裁定：$operator 的载体转移申请获准，申请人可在三十日内完成。",
    "It was decided: what was asked for ($operator) passes to whoever asked, who may complete it within thirty days.",
)
_REFUSED = Kind(
    "means.refused",
    Topic.ACCOUNT,
    "运营方已裁定：$operator 的载体转移申请未获准，仍归现持有人。",
    "It was decided: what was asked for ($operator) stays its holder's.",
)
_TAKEN_OVER = Kind(
    "means.taken_over",
    Topic.ACCOUNT,
    "您绑定的载体（$operator，第 $holding 项）已转移给申请人；此前的行为仍归您。",
    "What you had linked ($operator, item $holding) passed to whoever asked for it; what was done with it before stays yours.",
)
inbox.register(_ASKED_FOR, _OBJECTED, _GRANTED, _REFUSED, _TAKEN_OVER)


async def tell(session: AsyncSession, takeover: Takeover) -> None:
    """Tell whom it concerns how this takeover stands now; the same again tells nothing new."""
    facts: dict[str, str | int] = {
        "kind": takeover.kind,
        "operator": takeover.operator,
        "until": str(clock.day_of(takeover.objects_until)),
    }
    holder, taker = (takeover.holder_id, facts | {"holding": takeover.holding_id}), (takeover.taker_id, facts)
    told: dict[str, tuple[tuple[Kind, tuple[UUID, Mapping[str, str | int]]], ...]] = {
        "waiting": ((_ASKED_FOR, holder),),
        "objected": ((_OBJECTED, taker),),
        "granted": ((_GRANTED, holder), (_GRANTED, taker)),
        "refused": ((_REFUSED, holder), (_REFUSED, taker)),
        "done": ((_TAKEN_OVER, holder),),
    }
    for kind, (who, what) in told.get(takeover.state, ()):
        await inbox.tell(session, participant_id=who, kind=kind.name, refers_to=str(takeover.id), facts=what)
