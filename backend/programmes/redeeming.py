"""How points of a programme are redeemed now: its pack's section `[redeem]` in one row, for verbs that are one statement.

The row follows from the pack and the overlays that the programme runs by, and is written where these change; the audit
derives it again. A programme without a row has no such section.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.packs.figures import UNKNOWN
from backend.programmes.rules import Programme

_PUT = text("""
    INSERT INTO programme_redeeming AS r (programme, matures_after_days, confirm_above_points, step_up_above_points,
                                          refund_within_days, unknown)
    VALUES (:programme, :matures_after_days, :confirm_above_points, :step_up_above_points, :refund_within_days, :unknown)
    ON CONFLICT (programme) DO UPDATE SET
        matures_after_days = EXCLUDED.matures_after_days, confirm_above_points = EXCLUDED.confirm_above_points,
        step_up_above_points = EXCLUDED.step_up_above_points, refund_within_days = EXCLUDED.refund_within_days,
        unknown = EXCLUDED.unknown
""")
_OF = text("""
    SELECT matures_after_days, confirm_above_points, step_up_above_points, refund_within_days, unknown
    FROM programme_redeeming WHERE programme = :programme
""")


@dataclass(frozen=True, slots=True)
class Redeeming:
    """Whole days and points; None: nothing needs it. `unknown` names the figure that nobody gave: then nothing is redeemed."""

    matures_after_days: int = 0
    confirm_above_points: int | None = None
    step_up_above_points: int | None = None
    refund_within_days: int = 7
    unknown: str | None = None


def redeeming(programme: Programme) -> Redeeming:
    """What a programme's pack says of redeeming."""
    said = programme.features.redeem
    figures = {
        "matures_after_days": said.matures_after_days,
        "confirm_above_points": said.confirm_above_points,
        "step_up_above_points": said.step_up_above_points,
        "refund_within_days": said.refund_within_days,
    }
    unknown = next((f"redeem.{name}" for name, figure in figures.items() if figure == UNKNOWN), None)
    whole = {
        name: int(figure) for name, figure in figures.items() if figure is not None and figure != UNKNOWN
    }
    return Redeeming(unknown=unknown, **whole)


async def keep(session: AsyncSession, code: str, said: Redeeming) -> None:
    """Write the row of a programme that runs by another pack from now on."""
    await session.execute(
        _PUT,
        {
            "programme": code,
            "matures_after_days": said.matures_after_days,
            "confirm_above_points": said.confirm_above_points,
            "step_up_above_points": said.step_up_above_points,
            "refund_within_days": said.refund_within_days,
            "unknown": said.unknown,
        },
    )


async def redeeming_of(session: AsyncSession, *, programme: str) -> Redeeming:
    """How points of a programme are redeemed now."""
    row = (await session.execute(_OF, {"programme": programme})).one_or_none()
    return Redeeming() if row is None else Redeeming(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
