"""What must hold of caps: nobody earned more than the programme's pack allows, and nothing was taken without need.

What was taken and what is left together are what the rule gives: `recomputed` looks at that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake.posted import feeds
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.programmes import Programme
from backend.programmes.checks import ran_by, terms
from backend.programmes.rules import EarningCap

# The caps of each chunk: one row for each chunk and cap of the packs that may have ruled it.
_CAPS = """
    (SELECT job_id, seq, cap, per, of, low, high, whole, sure, string_to_array(NULLIF(activities, ''), ' ') AS activities
     FROM unnest(CAST(:jobs AS uuid[]), CAST(:seqs AS integer[]), CAST(:caps AS text[]), CAST(:pers AS text[]),
                 CAST(:ofs AS text[]), CAST(:lows AS bigint[]), CAST(:highs AS bigint[]), CAST(:wholes AS boolean[]),
                 CAST(:sures AS boolean[]), CAST(:activities AS text[]))
        AS u(job_id, seq, cap, per, of, low, high, whole, sure, activities))
"""
_PERIOD = "date_trunc({per}, {at} AT TIME ZONE 'UTC' + interval '8 hours')"
_TRIMMED = Rule(
    "action_trimmed",
    f"""
        SELECT place, fault FROM (
            SELECT t.claim_key AS place, CASE
                WHEN a.claim_key IS NULL THEN 'action'
                WHEN a.participant_id IS NULL THEN 'holder'
                WHEN k.cap IS NULL THEN 'cap'
                WHEN k.whole AND a.points <> 0 THEN 'left'
                WHEN k.of = 'acts' AND other.acts < k.low
                    OR k.of = 'points' AND other.points + a.points + COALESCE(f.points, 0) + t.points <= k.low THEN 'room'
            END AS fault
            FROM action_trimmed t
            LEFT JOIN action a ON a.claim_key = t.claim_key
            LEFT JOIN action_unfunded f ON f.claim_key = t.claim_key
            LEFT JOIN method_named m ON m.id = a.method_id
            LEFT JOIN {_CAPS} k ON k.job_id = a.job_id AND k.seq = a.seq AND k.cap = t.cap
                AND (k.activities IS NULL OR m.activity = ANY (k.activities))
            LEFT JOIN LATERAL (
                SELECT count(*) FILTER (WHERE b.points + COALESCE(u.points, 0) > 0) AS acts,
                       COALESCE(sum(b.points + COALESCE(u.points, 0)), 0) AS points
                FROM (
                    SELECT b.* FROM action b WHERE b.participant_id = a.participant_id
                    UNION ALL
                    SELECT b.* FROM action_claim c JOIN action b ON b.claim_key = c.claim_key
                    WHERE c.participant_id = a.participant_id
                ) b
                LEFT JOIN action_unfunded u ON u.claim_key = b.claim_key AND b.participant_id IS NOT NULL
                JOIN method_named n ON n.id = b.method_id
                JOIN intake_source s ON s.id = b.source_id
                JOIN intake_source own ON own.id = a.source_id AND own.programme_id = s.programme_id
                WHERE b.claim_key <> a.claim_key AND (k.activities IS NULL OR n.activity = ANY (k.activities))
                  AND {_PERIOD.format(per="k.per", at="b.happened_at")} = {_PERIOD.format(per="k.per", at="a.happened_at")}
            ) other ON k.cap IS NOT NULL
        ) found WHERE fault IS NOT NULL
    """,  # noqa: S608 - put together from constants
    {
        "action": ("there is no such action", "没有该行为"),
        "holder": ("nobody held its means, and caps are of people", "当时无人持有该介质，而上限只对人适用"),
        "cap": ("its programme's pack has no such cap for it", "计划规则包中没有适用于它的该上限"),
        "left": ("the cap leaves nothing, and yet it earned points", "该上限不留积分，该行为却得了积分"),
        "room": ("the cap was not reached", "并未达到该上限"),
    },
)
_OVER = Rule.single(
    "action",
    f"""
        SELECT a.participant_id || ' ' || {_PERIOD.format(per="k.per", at="a.happened_at")}::date || ' ' || k.cap AS place
        FROM {_CAPS} k
        JOIN action a ON a.job_id = k.job_id AND a.seq = k.seq
        JOIN method_named m ON m.id = a.method_id
        JOIN intake_source s ON s.id = a.source_id
        WHERE k.sure AND a.participant_id IS NOT NULL AND a.points > 0
          AND (k.activities IS NULL OR m.activity = ANY (k.activities))
          AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
        GROUP BY a.participant_id, s.programme_id, k.cap, k.per, k.of, k.high, k.activities,
                 {_PERIOD.format(per="k.per", at="a.happened_at")}
        HAVING CASE k.of WHEN 'acts' THEN count(*) ELSE sum(a.points) END > k.high
    """,  # noqa: S608 - put together from constants
    en="somebody earned more than the cap of the day or month allows",
    zh="有人所得超过当日或当月的上限",
)


async def caps(session: AsyncSession) -> Checked:
    """Nobody's acts that stand earned more than the caps by which they were taken in; what caps took, they had to take.

    Acts that were linked to their holder later are not capped; of a chunk during which the pack changed only that is said
    which holds by either.
    """
    rows = await count_rows(session, "SELECT count(*) FROM action_trimmed")
    return await look_for(session, Checked(rows=rows), (_TRIMMED, _OVER), **await _chunks(session))


async def _chunks(session: AsyncSession) -> dict[str, list[Any]]:
    """Every cap of every chunk, as columns."""
    names = (
        "jobs", "seqs", "caps", "pers", "ofs", "lows", "highs", "wholes", "sures", "activities",
    )  # fmt: skip
    columns: dict[str, list[Any]] = {name: [] for name in names}
    by_programme = await terms(session)
    for feed in await feeds(session):
        packs = ran_by(
            by_programme.get(feed.programme, []), feed.started_at, max(feed.started_at, feed.committed_at)
        )
        for row in _of(packs):
            for name, value in zip(names, (feed.job_id, feed.seq, *row), strict=True):
                columns[name].append(value)
    return columns


def _of(packs: Iterable[Programme]) -> list[tuple[Any, ...]]:
    """The caps that one of these packs may have applied, and whether each of them had it."""
    found: dict[tuple[Any, ...], list[EarningCap]] = {}
    known = list(packs)
    for pack in known:
        for cap in pack.caps:
            key = (cap.id, cap.per, cap.of, " ".join(sorted(cap.activities)))
            found.setdefault(key, []).append(cap)
    return [
        (
            name,
            per,
            of,
            min(cap.limit for cap in same),
            max(cap.limit for cap in same),
            all(cap.of == "acts" or cap.over == "zero" for cap in same),
            len(same) == len(known),
            activities,
        )
        for (name, per, of, activities), same in found.items()
    ]
