"""Agreeing on contracts, by two people of the operator, and asking what is agreed."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.identity import Role, approvals, organisations, sealing
from backend.identity.approvals import ActKind, TwoPersonAct
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.settings import Keys
from merchant.contracts import queries
from merchant.contracts.errors import ContractInvalid, ContractUnknown
from merchant.contracts.model import Account, Edition, Fee, Period, Share, parse

CONTRACT = ActKind("merchant.contract", Role.OPERATOR, stands_for=dt.timedelta(days=7))
_SEALING = "merchant-account"


async def propose(
    session: AsyncSession,
    keys: Keys,
    *,
    proposed_by: UUID,
    merchant_id: UUID,
    programme: str,
    fen_per_point: str,
    terms: Sequence[Mapping[str, Any]],
    fees: Sequence[Mapping[str, Any]] = (),
    period: Period = Period.MONTHLY,
    valid_from: dt.date,
    valid_until: dt.date | None = None,
    account: Account | None = None,
) -> TwoPersonAct:
    """Ask for an edition; its written forms are those of `parse`. The account is sealed before anybody is shown anything.

    Raises ContractInvalid, also for a first day that is not to come where there is an edition already; ProgrammeUnknown;
    OrganisationUnknown for what is no merchant.
    """
    merchant = await organisations.organisation(session, organisation_id=merchant_id)
    if Role.MERCHANT not in merchant.roles:
        raise organisations.OrganisationUnknown
    running = await programmes.programme_of(session, code=programme)
    worth, read, rules = parse(fen_per_point=fen_per_point, terms=terms, fees=fees)
    if valid_until is not None and valid_until < valid_from:
        raise ContractInvalid(why="valid_until")
    before = await editions_of(session, merchant_id=merchant_id, programme=running.code)
    _check_first_day(before, valid_from)
    body: dict[str, Any] = {
        "merchant": merchant.code,
        "merchant_id": str(merchant.id),
        "programme": running.code,
        "edition": len(before) + 1,
        "valid_from": valid_from.isoformat(),
        "valid_until": None if valid_until is None else valid_until.isoformat(),
        "period": period.value,
        "fen_per_point": str(worth),
        "terms": {name: [[one.funder, str(one.share)] for one in shares] for name, shares in read.items()},
        "fees": [one.as_body() for one in rules],
        "account_sealed": None,
        "account_tail": None,
    }
    if account is not None:
        written = json.dumps([account.holder, account.bank, account.number], ensure_ascii=False).encode()
        sealed = sealing.seal(keys.sealing(_SEALING), written, belongs_to=merchant.id.bytes)
        body |= {
            "account_sealed": base64.b64encode(sealed).decode(),
            "account_tail": account.number[-4:],
        }
    return await approvals.propose(
        session, CONTRACT, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve(
    session: AsyncSession, *, programme: str, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Edition:
    """Agree, as a second person; the edition is in force from its first day. ActUnknown also for another programme's.

    Raises ContractInvalid when another edition was agreed to meanwhile, or its first day is no longer to come.
    """
    await _own(session, programme, act_id)
    act = await approvals.approve(
        session, CONTRACT, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    said = act.body
    merchant_id = UUID(said["merchant_id"])
    await take_turns(session, f"contract:{merchant_id}:{programme}")
    before = await editions_of(session, merchant_id=merchant_id, programme=programme)
    if len(before) + 1 != said["edition"]:
        raise ContractInvalid(why="edition")
    valid_from = dt.date.fromisoformat(said["valid_from"])
    _check_first_day(before, valid_from)
    edition_id = ids.derive(act.id, "edition")
    await session.execute(
        queries.ADD,
        {
            "id": edition_id,
            "merchant_id": merchant_id,
            "programme": programme,
            "edition": said["edition"],
            "valid_from": valid_from,
            "valid_until": None
            if said["valid_until"] is None
            else dt.date.fromisoformat(said["valid_until"]),
            "period": said["period"],
            "fen_per_point": said["fen_per_point"],
            "terms": json.dumps(said["terms"]),
            "fees": json.dumps(said["fees"]),
            "account_sealed": None
            if said["account_sealed"] is None
            else base64.b64decode(said["account_sealed"]),
            "account_tail": said["account_tail"],
            "act_id": act.id,
            "agreed_at": clock.now(),
        },
    )
    return await edition_of(session, edition_id=edition_id)


async def reject(
    session: AsyncSession, *, programme: str, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn a proposal down, as a second person."""
    await _own(session, programme, act_id)
    return await approvals.reject(
        session, CONTRACT, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def in_force(
    session: AsyncSession, *, merchant_id: UUID, programme: str, at: dt.datetime
) -> Edition | None:
    """The edition that a capture at this moment would be paid by; None where there is none."""
    day = clock.day_of(at)
    given = {"merchant_id": merchant_id, "programme": programme, "day": day}
    row = (await session.execute(queries.IN_FORCE, given)).one_or_none()
    if row is None or (row.valid_until is not None and row.valid_until < day):
        return None
    return _edition(row)


async def edition_of(session: AsyncSession, *, edition_id: UUID) -> Edition:
    """One edition. Raises ContractUnknown."""
    row = (await session.execute(queries.ONE, {"id": edition_id})).one_or_none()
    if row is None:
        raise ContractUnknown
    return _edition(row)


async def editions_of(
    session: AsyncSession, *, merchant_id: UUID, programme: str | None = None
) -> list[Edition]:
    """A merchant's editions with one programme or all, the last one of each first."""
    given = {"merchant_id": merchant_id, "programme": programme}
    return [_edition(row) for row in await session.execute(queries.OF_MERCHANT, given)]


async def editions_of_programme(session: AsyncSession, *, programme: str) -> list[Edition]:
    """All editions of a programme, by merchant, the last one of each first."""
    return [_edition(row) for row in await session.execute(queries.OF_PROGRAMME, {"programme": programme})]


async def account_of(session: AsyncSession, keys: Keys, *, edition_id: UUID) -> Account | None:
    """The account that an edition names, opened; None where it names none. For a payout's file only."""
    row = (await session.execute(queries.ACCOUNT, {"id": edition_id})).one_or_none()
    if row is None or row.account_sealed is None:
        return None
    written = sealing.unseal_any(
        keys.opening(_SEALING), bytes(row.account_sealed), belongs_to=row.merchant_id.bytes
    )
    return Account(*json.loads(written))


def _check_first_day(before: Sequence[Edition], valid_from: dt.date) -> None:
    """A first edition may tell of a contract that stands already; a further one changes no day that has begun."""
    if before and valid_from <= max(clock.today(), before[0].valid_from):
        raise ContractInvalid(why="valid_from")


async def _own(session: AsyncSession, programme: str, act_id: UUID) -> None:
    """Raise ActUnknown unless the proposal is about this programme."""
    act = await approvals.act(session, CONTRACT, act_id=act_id)
    if act.body["programme"] != programme:
        raise approvals.ActUnknown


def _edition(row: Any) -> Edition:
    return Edition(
        id=row.id,
        merchant_id=row.merchant_id,
        programme=row.programme,
        edition=row.edition,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        period=Period(row.period),
        fen_per_point=row.fen_per_point,
        terms={
            name: tuple(Share(funder, Decimal(share)) for funder, share in shares)
            for name, shares in row.terms.items()
        },
        fees=tuple(_fee(one) for one in row.fees),
        account_tail=row.account_tail,
        agreed_at=row.agreed_at,
    )


def _fee(said: Mapping[str, Any]) -> Fee:
    share = said.get("share")
    return Fee(
        id=said["id"],
        kind=said["kind"],
        payer=said["payer"],
        fen=said.get("fen"),
        share=None if share is None else Decimal(share),
        floor_fen=said.get("floor_fen"),
        cap_fen=said.get("cap_fen"),
    )
