"""All SQL of what was read out of the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.transparency.standing import Event, Span
from backend.transparency.telling import BatchStep, Source, Status

TABLES = (
    "transparency_event", "transparency_source", "transparency_range", "transparency_batch", "transparency_unfollowed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """Which numbers are asked for; None asks for all."""

    project: str | None = None
    methodology: str | None = None
    vintage_year: int | None = None
    status: Status | None = None
    unit: str | None = None
    book: str | None = None
    market: str | None = None
    holder: str | None = None
    batch: str | None = None
    demo: bool | None = None


# --- following ----------------------------------------------------------------------------------------------------


async def progress(session: AsyncSession) -> int:
    """How many entries are in the tables."""
    result = await session.execute(text("SELECT max(next_index) FROM transparency_progress"))
    return int(result.scalar_one() or 0)


async def lock_progress(session: AsyncSession) -> int:
    """The same, and nobody else follows the log until this transaction ends."""
    result = await session.execute(text("SELECT next_index FROM transparency_progress FOR UPDATE"))
    return int(result.scalar_one())


async def set_progress(session: AsyncSession, *, next_index: int, last_leaf: bytes) -> None:
    await session.execute(
        text("UPDATE transparency_progress SET next_index = :next_index, last_leaf = :last_leaf"),
        {"next_index": next_index, "last_leaf": last_leaf},
    )


async def forget(session: AsyncSession) -> None:
    """Remove everything that was read; the caller holds the lock of the progress and sets it."""
    for table in TABLES:
        await session.execute(text(f"DELETE FROM {table}"))


_SPAN = """
    line, lower(serials) AS low, upper(serials) AS high, status, book, market, holder, compliance_year, born, last
"""


async def touched(session: AsyncSession, *, book: str, low: int, high: int) -> list[Span]:
    """The runs that overlap `[low, high)` on every line that began in this book or has numbers in it."""
    rows = await session.execute(
        text(f"""
            SELECT {_SPAN} FROM transparency_range
            WHERE serials && int8range(:low, :high) AND (line = :book OR book = :book)
        """),
        {"book": book, "low": low, "high": high},
    )
    return [_span(row) for row in rows.mappings()]


async def replace_spans(session: AsyncSession, *, gone: Iterable[Span], new: Iterable[Span]) -> None:
    """Put runs in the place of others."""
    old = list(gone)
    if old:
        await session.execute(
            text("""
                DELETE FROM transparency_range r
                USING unnest(CAST(:lines AS text[]), CAST(:lows AS bigint[]), CAST(:highs AS bigint[]))
                    AS o (line, low, high)
                WHERE r.line = o.line AND r.serials = int8range(o.low, o.high)
            """),
            {
                "lines": [one.line for one in old],
                "lows": [one.low for one in old],
                "highs": [one.high for one in old],
            },
        )
    rows = [asdict(one) for one in new]
    if rows:
        await session.execute(
            text("""
                INSERT INTO transparency_range
                    (line, serials, status, book, market, holder, compliance_year, born, last)
                VALUES (:line, int8range(:low, :high), :status, :book, :market, :holder, :compliance_year, :born, :last)
            """),
            rows,
        )


async def add_source(session: AsyncSession, source: Source, *, entry_index: int) -> None:
    await session.execute(
        text("""
            INSERT INTO transparency_source
                (entry_index, line, serials, unit, batch, project, methodology, vintage_year, demo)
            VALUES (:entry_index, :book, int8range(:low, :high), :unit, :batch, :project, :methodology, :vintage_year,
                    :demo)
        """),
        {"entry_index": entry_index, **asdict(source)},
    )


async def add_events(session: AsyncSession, events: Sequence[Event]) -> None:
    if events:
        await session.execute(
            text("""
                INSERT INTO transparency_event (entry_index, part, kind, line, book, serials)
                VALUES (:entry_index, :part, :kind, :line, :book, int8range(:low, :high))
            """),
            [asdict(one) for one in events],
        )


async def add_batch_steps(session: AsyncSession, steps: Sequence[tuple[BatchStep, int, str]]) -> None:
    """Steps with the index and kind of their entries."""
    if steps:
        await session.execute(
            text("""
                INSERT INTO transparency_batch
                    (entry_index, batch, kind, project, methodology, vintage_year, demo, previous)
                VALUES (:entry_index, :batch, :kind, :project, :methodology, :vintage_year, :demo, :previous)
            """),
            [{"entry_index": index, "kind": kind, **asdict(step)} for step, index, kind in steps],
        )


async def add_unfollowed(session: AsyncSession, *, entry_index: int, kind: str, reason: str) -> None:
    await session.execute(
        text("""
            INSERT INTO transparency_unfollowed (entry_index, kind, reason) VALUES (:entry_index, :kind, :reason)
        """),
        {"entry_index": entry_index, "kind": kind, "reason": reason},
    )


# --- asking -------------------------------------------------------------------------------------------------------


async def line_of(session: AsyncSession, *, book: str, number: int) -> str | None:
    """The book in which a number of this book came into being; None when the book never had it."""
    rows = await session.execute(
        text("""
            SELECT line FROM transparency_event
            WHERE serials @> CAST(:number AS bigint) AND book = :book ORDER BY entry_index LIMIT 1
        """),
        {"number": number, "book": book},
    )
    return rows.scalar_one_or_none()


async def events_at(session: AsyncSession, *, line: str, number: int) -> list[tuple[int, str]]:
    """Every event of one number (entry, book), in order; a step over a bridge is in both books."""
    rows = await session.execute(
        text("""
            SELECT entry_index, book FROM transparency_event
            WHERE serials @> CAST(:number AS bigint) AND line = :line ORDER BY entry_index, part
        """),
        {"number": number, "line": line},
    )
    return [(row.entry_index, row.book) for row in rows]


async def span_at(session: AsyncSession, *, line: str, number: int) -> Span | None:
    """Where one number stands."""
    rows = await session.execute(
        text(f"""
            SELECT {_SPAN} FROM transparency_range
            WHERE serials @> CAST(:number AS bigint) AND line = :line
        """),
        {"number": number, "line": line},
    )
    row = rows.mappings().one_or_none()
    return None if row is None else _span(row)


_RANGES_WITH_SOURCE = """
    transparency_range r
    JOIN transparency_source s ON s.entry_index = r.born AND s.serials @> lower(r.serials)
"""
_FILTER = """
    (CAST(:project AS text) IS NULL OR s.project = :project)
    AND (CAST(:methodology AS text) IS NULL OR s.methodology = :methodology)
    AND (CAST(:vintage_year AS bigint) IS NULL OR s.vintage_year = :vintage_year)
    AND (CAST(:status AS text) IS NULL OR r.status = :status)
    AND (CAST(:unit AS text) IS NULL OR s.unit = :unit)
    AND (CAST(:book AS text) IS NULL OR r.book = :book)
    AND (CAST(:market AS text) IS NULL OR r.market = :market)
    AND (CAST(:holder AS text) IS NULL OR r.holder = :holder)
    AND (CAST(:batch AS text) IS NULL OR s.batch = :batch)
    AND (CAST(:demo AS boolean) IS NULL OR s.demo = :demo)
"""


async def search(
    session: AsyncSession, wanted: Filter, *, after: tuple[str, int] | None, limit: int
) -> Sequence[RowMapping]:
    """Runs of numbers with their sources, by line and number, strictly behind `after`."""
    line, low = after or (None, None)
    rows = await session.execute(
        text(f"""
            SELECT r.line, lower(r.serials) AS low, upper(r.serials) AS high, r.status, r.book, r.market, r.holder, r.compliance_year, r.born, r.last,
                   s.unit, s.batch, s.project, s.methodology, s.vintage_year, s.demo
            FROM {_RANGES_WITH_SOURCE}
            WHERE (CAST(:line AS text) IS NULL OR (r.line, lower(r.serials)) > (:line, CAST(:low AS bigint)))
                AND {_FILTER}
            ORDER BY r.line, lower(r.serials) LIMIT :limit
        """),
        {**asdict(wanted), "line": line, "low": low, "limit": limit},
    )
    return rows.mappings().all()


async def standing(session: AsyncSession, *, line: str, low: int, high: int) -> Sequence[RowMapping]:
    """How the numbers `[low, high)` of a line stand, as `search` tells it, cut to them."""
    rows = await session.execute(
        text(f"""
            SELECT r.line, greatest(lower(r.serials), :low) AS low, least(upper(r.serials), :high) AS high, r.status, r.book, r.market,
                   r.holder, r.compliance_year, r.born, r.last,
                   s.unit, s.batch, s.project, s.methodology, s.vintage_year, s.demo
            FROM {_RANGES_WITH_SOURCE}
            WHERE r.line = :line AND r.serials && int8range(:low, :high)
            ORDER BY r.serials
        """),
        {"line": line, "low": low, "high": high},
    )
    return rows.mappings().all()


async def totals(session: AsyncSession, wanted: Filter) -> Sequence[RowMapping]:
    """Tonnes by unit, project, methodology, vintage, demonstration, status and market."""
    rows = await session.execute(
        text(f"""
            SELECT s.unit, s.project, s.methodology, s.vintage_year, s.demo, r.status, r.market,
                   sum(upper(r.serials) - lower(r.serials))::bigint AS quantity_t
            FROM {_RANGES_WITH_SOURCE}
            WHERE {_FILTER}
            GROUP BY s.unit, s.project, s.methodology, s.vintage_year, s.demo, r.status, r.market
            ORDER BY s.unit, s.project, s.methodology, s.vintage_year, s.demo, r.status, r.market
        """),
        asdict(wanted),
    )
    return rows.mappings().all()


async def source_at(session: AsyncSession, *, born: int, number: int) -> RowMapping:
    """The source of a number, which an entry began."""
    rows = await session.execute(
        text("""
            SELECT entry_index, line, lower(serials) AS low, upper(serials) AS high, unit, batch, project, methodology,
                   vintage_year, demo
            FROM transparency_source WHERE entry_index = :born AND serials @> CAST(:number AS bigint)
        """),
        {"born": born, "number": number},
    )
    return rows.mappings().one()


async def source_of_batch(session: AsyncSession, *, batch: str) -> RowMapping | None:
    """The numbers that a batch was issued as."""
    rows = await session.execute(
        text("""
            SELECT entry_index, line, lower(serials) AS low, upper(serials) AS high FROM transparency_source
            WHERE batch = :batch ORDER BY entry_index LIMIT 1
        """),
        {"batch": batch},
    )
    return rows.mappings().one_or_none()


async def batch_steps(session: AsyncSession, *, batch: str) -> list[tuple[int, str]]:
    """The entries that are about a batch (entry, kind), in order."""
    rows = await session.execute(
        text("SELECT entry_index, kind FROM transparency_batch WHERE batch = :batch ORDER BY entry_index"),
        {"batch": batch},
    )
    return [(row.entry_index, row.kind) for row in rows]


async def batch_after(session: AsyncSession, *, batch: str) -> str | None:
    """The batch that takes in what this one carried on."""
    rows = await session.execute(
        text("""
            SELECT batch FROM transparency_batch WHERE previous = :batch ORDER BY entry_index LIMIT 1
        """),
        {"batch": batch},
    )
    return rows.scalar_one_or_none()


async def batches(
    session: AsyncSession, wanted: Filter, *, after: int | None, limit: int
) -> list[tuple[int, str]]:
    """Frozen batches (entry, batch), newest first, strictly behind `after`."""
    rows = await session.execute(
        text("""
            SELECT entry_index, batch FROM transparency_batch
            WHERE kind = 'batch.frozen'
                AND (CAST(:after AS bigint) IS NULL OR entry_index < :after)
                AND (CAST(:project AS text) IS NULL OR project = :project)
                AND (CAST(:methodology AS text) IS NULL OR methodology = :methodology)
                AND (CAST(:vintage_year AS bigint) IS NULL OR vintage_year = :vintage_year)
                AND (CAST(:demo AS boolean) IS NULL OR demo = :demo)
            ORDER BY entry_index DESC LIMIT :limit
        """),
        {
            "after": after,
            "limit": limit,
            "project": wanted.project,
            "methodology": wanted.methodology,
            "vintage_year": wanted.vintage_year,
            "demo": wanted.demo,
        },
    )
    return [(row.entry_index, row.batch) for row in rows]


def _span(row: RowMapping) -> Span:
    return Span(**{**row, "status": Status(row["status"])})


# --- checking -----------------------------------------------------------------------------------------------------


async def everything(session: AsyncSession, table: str) -> list[dict[str, Any]]:
    """Every row of one of TABLES, for the comparison with what the log says."""
    assert table in TABLES
    rows = await session.execute(text(f"SELECT * FROM {table}"))
    return [dict(row) for row in rows.mappings()]


async def progress_rows(session: AsyncSession) -> list[tuple[bool, int, bytes]]:
    rows = await session.execute(text("SELECT one, next_index, last_leaf FROM transparency_progress"))
    return [(row.one, row.next_index, row.last_leaf) for row in rows]
