"""The arithmetic of statements: fees, totals and who pays. Nothing here reads or writes; whole numbers of fen throughout.

What funders gave is added up by funder; what the merchant pays in fees is taken from what they pay, in proportion, rounded
down, and what is left over from the one that pays most. A statement is carried forward when it comes to less than nothing, in
points, in money or for any funder: it is then the opening of the next one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from uuid import UUID

from merchant.contracts import MERCHANT, Edition, Fee
from merchant.settlement.model import Kind, Line, Totals


def fees_of(
    lines: Iterable[tuple[UUID, Line]], editions: Mapping[UUID, Edition], *, first_day: dt.date, last_day: dt.date,
    standing: Edition, at: dt.datetime,
) -> list[Line]:  # fmt: skip
    """The fees of a period: each capture's by its own edition, those of a month by the edition `standing` on the last day.

    `lines` are captures and refunds with the edition of each. A fee that somebody else bears is told, and comes to nothing.
    """
    captures, paid = Counter[UUID](), Counter[UUID]()
    for edition_id, line in lines:
        captures[edition_id] += line.kind is Kind.CAPTURE
        paid[edition_id] += line.value_fen - line.own_fen
    found = []
    for edition_id in sorted(captures, key=lambda one: editions[one].edition):
        for rule in editions[edition_id].fees:
            if rule.kind == "per_capture":
                found.append((rule, captures[edition_id] * (rule.fen or 0), editions[edition_id].edition))
            elif rule.kind == "share":
                found.append((rule, _share(rule, paid[edition_id]), editions[edition_id].edition))
    months = _months_ending(first_day, last_day)
    found += [
        (rule, months * (rule.fen or 0), standing.edition) for rule in standing.fees if rule.kind == "monthly"
    ]
    return [_fee_line(rule, fen, edition, at) for rule, fen, edition in found if fen]


def total(
    lines: Sequence[Line], *, opening_points: int, opening: Mapping[str, int], opening_fees_fen: int
) -> Totals:
    """What the lines come to, on top of what was carried in."""
    funded = Counter(dict(opening))
    by = {kind: [line for line in lines if line.kind is kind] for kind in Kind}
    fees = -sum(line.payable_fen for line in by[Kind.FEE])
    for line in lines:
        for funder, fen in line.funded.items():
            if funder != MERCHANT and line.kind is not Kind.FEE:
                funded[funder] += fen
    points = opening_points + sum(line.points for line in lines)
    owed = opening_fees_fen + fees
    payable = sum(funded.values()) - owed
    kept = {funder: funded[funder] for funder in sorted(funded) if funded[funder]}
    carried = points < 0 or payable < 0 or any(fen < 0 for fen in kept.values()) or (points == 0 == payable)
    return Totals(
        opening_points=opening_points,
        opening=dict(opening),
        opening_fees_fen=opening_fees_fen,
        captures=len(by[Kind.CAPTURE]),
        captured_points=sum(line.points for line in by[Kind.CAPTURE]),
        captured_fen=sum(line.value_fen for line in by[Kind.CAPTURE]),
        refunds=len(by[Kind.REFUND]),
        refunded_points=-sum(line.points for line in by[Kind.REFUND]),
        refunded_fen=-sum(line.value_fen for line in by[Kind.REFUND]),
        own_fen=sum(line.own_fen for line in lines),
        fees_fen=fees,
        corrections_points=sum(line.points for line in by[Kind.CORRECTION]),
        corrections_fen=sum(line.payable_fen for line in by[Kind.CORRECTION]),
        funded=kept,
        payable_points=points,
        payable_fen=payable,
        carried=carried,
        pays={} if carried else _less(kept, owed),
    )


def digest(lines: Sequence[Line]) -> str:
    """The fingerprint of lines in their order: what two people agree to when they close a statement."""
    hashed = hashlib.sha256()
    for line in lines:
        said = [
            line.kind.value, str(line.redemption_id), line.part_id, line.about,
            line.happened_at.astimezone(dt.UTC).isoformat(), line.points, line.value_fen, line.own_fen,
            dict(sorted(line.funded.items())), line.payable_fen,
        ]  # fmt: skip
        hashed.update(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return hashed.hexdigest()


def _less(funded: Mapping[str, int], fees: int) -> dict[str, int]:
    """What each funder pays when fees are taken off; the sum is exact, and nobody pays less than nothing."""
    whole = sum(funded.values())
    if not whole:
        return {}
    off = {funder: fees * fen // whole for funder, fen in funded.items()}
    rest = fees - sum(off.values())
    for funder in sorted(funded, key=lambda one: (-funded[one], one)):
        more = min(rest, funded[funder] - off[funder])
        off[funder] += more
        rest -= more
    return {funder: fen - off[funder] for funder, fen in funded.items() if fen > off[funder]}


def _share(rule: Fee, paid: int) -> int:
    assert rule.share is not None
    fen = int((rule.share * Decimal(max(paid, 0))).to_integral_value(rounding=ROUND_FLOOR))
    fen = max(fen, rule.floor_fen or 0)
    return fen if rule.cap_fen is None else min(fen, rule.cap_fen)


def _months_ending(first_day: dt.date, last_day: dt.date) -> int:
    """How many months' last days lie among these days."""
    after = last_day + dt.timedelta(days=1)
    return (after.year - first_day.year) * 12 + after.month - first_day.month


def _fee_line(rule: Fee, fen: int, edition: int, at: dt.datetime) -> Line:
    ours = rule.payer == MERCHANT
    return Line(
        kind=Kind.FEE,
        redemption_id=None,
        part_id=None,
        about=f"{rule.id}/{edition}",
        happened_at=at,
        points=0,
        value_fen=fen,
        own_fen=0,
        funded={rule.payer: fen},
        payable_fen=-fen if ours else 0,
    )
