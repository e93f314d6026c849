"""Every action's grams and points computed again: by the method that it names, and by the programme's own rule.

Reads actions in batches and computes whole columns, so that memory is bounded and a million take seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import methodologies
from backend.intake.methods import places_of
from backend.intake.posted import Feed, feeds
from backend.kit.checks import NAMED, Checked, Since
from backend.kit.db import raw_connection
from backend.kit.errors import DomainError
from backend.methodologies import MISSING, Quantifier
from backend.packs import ParameterUnknown
from backend.programmes import EarningRule, Programme, points_for
from backend.programmes.checks import ran_by, terms

BATCH_ROWS = 50_000

Int64s = NDArray[np.int64]
Rate = tuple[
    EarningRule | None, Fraction
]  # the rule by which points are earned, and the weight of the evidence

_GRAMS = ("its grams are not what its method yields", "克数与其方法的计算结果不符")
_REFUSED = ("its method refuses its inputs", "其方法不接受所记输入")
_POINTS = ("its points are not what the programme's rule yields", "积分与计划规则的计算结果不符")
_METHOD = ("it names a method that is not known", "所记方法不存在")

_METHODS = text("SELECT DISTINCT method_id FROM action ORDER BY 1")


async def grams_and_points(session: AsyncSession, since: Since | None = None) -> Checked:
    """An action's grams are what its recorded method yields, and its points what its programme's pack gives for them.

    With `since` only the actions taken in since then. The programme's pack is the one that ruled when the file was taken in; where it changed meanwhile, either will do.
    """
    checked = Checked()
    rules = await _Rules.of(session)
    for (method_id,) in (await session.execute(_METHODS)).all():
        try:
            quantifier = await methodologies.recover(session, method_id=method_id)
        except DomainError:
            checked.name("action", f"method {method_id}", _METHOD)
            continue
        await _recompute(session, checked, method_id, quantifier, rules, since=since)
    return checked


@dataclass
class _Rules:
    """The programmes' packs, found for the chunk of each action."""

    feeds: list[Feed]
    packs: dict[tuple[UUID, int], list[Programme]]

    @classmethod
    async def of(cls, session: AsyncSession) -> _Rules:
        found, by_programme = await feeds(session), await terms(session)
        packs = {
            (feed.job_id, feed.seq): ran_by(
                by_programme.get(feed.programme, []),
                feed.started_at,
                max(feed.started_at, feed.committed_at),
            )
            for feed in found
        }
        return cls(found, packs)

    def rates(self, quantifier: Quantifier) -> tuple[list[int], list[tuple[Rate, ...]]]:
        """For each chunk the number of its rates, and the rates by number: several where the pack changed meanwhile."""
        numbers: list[int] = []
        known: dict[tuple[Rate, ...], int] = {}
        for feed in self.feeds:
            rates = tuple(dict.fromkeys(self._rates(feed, quantifier)))
            numbers.append(known.setdefault(rates, len(known)))
        return numbers, list(known)

    def _rates(self, feed: Feed, quantifier: Quantifier) -> list[Rate]:
        found: list[Rate] = []
        for pack in self.packs[feed.job_id, feed.seq]:
            rule = pack.earn_rule(methodology=quantifier.methodology.id, activity=quantifier.activity.id)
            try:
                found.append((rule, pack.weight(feed.evidence)))
            except ParameterUnknown:
                continue
        return found


@dataclass(frozen=True, slots=True)
class Acts:
    """Some acts of one method, as the columns that points depend on."""

    quantifier: Quantifier
    days: Int64s
    grams: Int64s
    inputs: Mapping[str, Int64s]


async def _recompute(
    session: AsyncSession,
    checked: Checked,
    method_id: int,
    quantifier: Quantifier,
    rules: _Rules,
    *,
    since: Since | None,
) -> None:
    numbers, rates = rules.rates(quantifier)
    names = [item.id for item in quantifier.inputs]
    names += sorted(
        {rule.input for some in rates for rule, _ in some if rule is not None and rule.input} - set(names)
    )
    connection = await raw_connection(session)
    cursor = await connection.cursor(
        _actions(len(names)),
        method_id,
        [feed.job_id for feed in rules.feeds],
        [feed.seq for feed in rules.feeds],
        numbers,
        "0" if since is None else str(since.xid),
        *names,
    )
    while rows := await cursor.fetch(BATCH_ROWS):
        checked.rows += len(rows)
        columns = [_column(rows, place) for place in range(1, 4 + len(names))]
        grams, points, rate_of = columns[:3]
        inputs = dict(zip(names, columns[3:], strict=True))
        found = quantifier.columns({item.id: inputs[item.id] for item in quantifier.inputs}, len(rows))
        acts = Acts(quantifier, _days(rows), grams, inputs)
        _name(checked, rows, found.errors != 0, _REFUSED)
        _name(checked, rows, (found.errors == 0) & (found.grams != grams), _GRAMS)
        _name(checked, rows, _wrong_points(rates, rate_of, acts, points), _POINTS)


def _actions(inputs: int) -> str:
    """The actions of one method: key, grams, points before any cap or budget, the number of their rates, each input as a number."""
    picked = "".join(
        f""", COALESCE(CASE WHEN a.inputs->>(${n}::text) ~ '^-?[0-9]{{1,18}}$'
                            THEN (a.inputs->>(${n}::text))::bigint END, '{MISSING}'::bigint)"""
        for n in range(6, 6 + inputs)
    )
    return f"""
        SELECT a.claim_key, a.grams, a.points + COALESCE(t.points, 0) + COALESCE(u.points, 0), COALESCE(r.rate, -1)::bigint{picked}
        FROM action a
        LEFT JOIN action_trimmed t ON t.claim_key = a.claim_key
        LEFT JOIN action_unfunded u ON u.claim_key = a.claim_key AND a.participant_id IS NOT NULL
        LEFT JOIN unnest($2::uuid[], $3::integer[], $4::integer[]) AS r(job_id, seq, rate)
            ON r.job_id = a.job_id AND r.seq = a.seq
        WHERE a.method_id = $1 AND a.xid >= $5::text::xid8
    """  # noqa: S608 - only numbers are put in


def _column(rows: Sequence[Any], place: int) -> Int64s:
    return np.fromiter((row[place] for row in rows), dtype=np.int64, count=len(rows))


def _days(rows: Sequence[Any]) -> Int64s:
    """The Shanghai days that claim keys begin with."""
    return np.fromiter((row[0].int >> 96 for row in rows), dtype=np.int64, count=len(rows))


def _wrong_points(
    rates: Sequence[tuple[Rate, ...]], rate_of: Int64s, acts: Acts, points: Int64s
) -> NDArray[np.bool_]:
    """The rows whose points none of their rates yields; a row without a determinable rate is not among them."""
    wrong = np.zeros(len(points), dtype=np.bool_)
    for number in np.unique(rate_of).tolist():
        possible = rates[number] if number >= 0 else ()
        rows = np.nonzero(rate_of == number)[0]
        right = np.full(len(rows), not possible)
        for rule, weight in possible:
            right |= _earned(rule, weight, acts, rows, points[rows])
        wrong[rows] = ~right
    return wrong


def _earned(
    rule: EarningRule | None, weight: Fraction, acts: Acts, rows: Int64s, points: Int64s
) -> NDArray[np.bool_]:
    if rule is None:
        return np.equal(points, 0)
    try:
        found = points_for(
            rule,
            grams=acts.grams[rows],
            weight=weight,
            inputs={name: values[rows] for name, values in acts.inputs.items()},
            places=places_of(rule, acts.quantifier),
            days=acts.days[rows],
        )
        return np.equal(found, points)
    except ParameterUnknown:
        return np.full(len(points), fill_value=False)


def _name(checked: Checked, rows: Sequence[Any], wrong: NDArray[np.bool_], sentence: tuple[str, str]) -> None:
    places = np.nonzero(wrong)[0]
    for place in places[:NAMED].tolist():
        checked.name("action", rows[place][0], sentence)
    checked.found += max(0, len(places) - NAMED)
