"""A log with entries as those write them who make the facts, and the public's client."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from backend import log
from backend.kit import http
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.transparency import app as public


def sha256(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class Teller:
    """Writes entries, each in a transaction of its own, and remembers their indexes by kind."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.last: dict[str, int] = {}

    async def tell(self, kind: str, **body: Any) -> int:
        async with self.db.transaction() as session:
            index = await log.append(session, kind=kind, body=body)
        self.last[kind] = index
        return index

    async def filed(self, methodology: str) -> None:
        await self.tell(
            "methodology.filed", pack_sha256=sha256(methodology), methodology=methodology, version="1.0.0",
            region="CN-GD", valid_from="2026-01-01", valid_until=None, act="act-1",
        )  # fmt: skip

    async def overridden(self, methodology: str) -> None:
        await self.tell(
            "methodology.demo_override", pack_sha256=sha256(methodology), methodology=methodology, version="1.0.0",
            region="CN-GD", reason="shown at a fair",
        )  # fmt: skip

    async def batch(
        self,
        batch: str,
        *,
        runs: list[dict[str, Any]],
        first_serial: int,
        book: str = "phcer",
        project: str = "gd-green-travel",
        methodology: str = "cn-shared-bike-km",
        vintage_year: int = 2026,
        demo: bool = False,
        previous: str | None = None,
        carry_in_g: int = 0,
        owner: str = "city-operator",
    ) -> int:
        """Freeze, verify and issue a batch; the tonnes issued."""
        certified_g: int = sum(run["grams"] for run in runs)
        acts = sum(run.get("acts", 0) for run in runs)
        verified_g = certified_g - carry_in_g
        quantity_t, carry_out_g = divmod(certified_g, 1_000_000)
        series = {"project": project, "methodology": methodology, "vintage_year": vintage_year, "demo": demo}
        frozen_root, certified_root = sha256(batch, "frozen"), sha256(batch, "certified")
        await self.tell(
            "batch.frozen", batch=batch, **series, pack_sha256s=[sha256(methodology)], sequence=1,
            first_month="2026-10", last_month="2026-11", previous=previous, carry_in_g=carry_in_g, acts=acts,
            frozen_g=verified_g + 5000, frozen_root=frozen_root,
        )  # fmt: skip
        await self.tell(
            "report.certified",
            batch=batch,
            report_sha256=sha256(batch, "report"),
            by_organisation="city-operator",
        )
        await self.tell(
            "batch.verified", batch=batch, revision=1, verification_body="south-verifiers", rejected_g=3000,
            deducted_g=2000, verified_g=verified_g, certified_root=certified_root, certified_leaves=acts,
            certified_g=certified_g, statement_sha256=sha256(batch, "statement"),
        )  # fmt: skip
        await self.tell(
            "credit.issued", batch=batch, book=book, first_serial=first_serial, quantity_t=quantity_t, owner=owner,
            **series, region="CN-GD", frozen_root=frozen_root, certified_root=certified_root, certified_leaves=acts,
            certified_g=certified_g, carry_in_g=carry_in_g, carry_out_g=carry_out_g, runs=runs,
        )  # fmt: skip
        return quantity_t

    async def bridge(
        self, step: str, serials: list[list[int]], *, bridge: str = "b1", owner: str = "steelworks"
    ) -> int:
        return await self.tell(
            f"bridge.{step}", bridge=bridge, from_book="phcer", to_book="guangdong-phcer", market="guangdong",
            owner=owner, serials=serials,
        )  # fmt: skip

    async def bridged(self, serials: list[list[int]], **names: str) -> None:
        for step in ("locked", "deposited", "confirmed"):
            await self.bridge(step, serials, **names)

    async def transferred(self, serials: list[list[int]], *, to: str) -> int:
        return await self.tell(
            "credit.transferred", transfer="t1", book="phcer", serials=serials, to=to, price_fen=5000,
            **{"from": "city-operator"},
        )  # fmt: skip

    async def sold(self, serials: list[list[int]], *, seller: str, buyer: str) -> int:
        return await self.tell(
            "sale.settled", sale="s1", market="guangdong", book="guangdong-phcer", serials=serials, seller=seller,
            buyer=buyer, price_fen=100_000,
        )  # fmt: skip

    async def pledged(self, serials: list[list[int]], *, entity: str, released: bool = False) -> int:
        return await self.tell(
            "unit.released" if released else "unit.pledged", market="guangdong", compliance_year=2026,
            entity=entity, lots=[{"book": "guangdong-phcer", "unit": "PHCER", "serials": serials}],
        )  # fmt: skip

    async def surrendered(self, serials: list[list[int]], *, entity: str) -> int:
        return await self.tell(
            "unit.surrendered", market="guangdong", compliance_year=2026, entity=entity,
            lots=[{"book": "guangdong-phcer", "unit": "PHCER", "serials": serials}], edition="handbook",
            returned=[], pack_sha256=sha256("guangdong"), cap_t=1000, offset_t=3,
        )  # fmt: skip

    async def cancelled(
        self, serials: list[list[int]], *, book: str = "phcer", purpose: str = "碳中和会议"
    ) -> int:
        return await self.tell(
            "credit.cancelled", cancellation="c1", book=book, serials=serials, owner="city-operator", purpose=purpose
        )  # fmt: skip

    async def sign(self, settings: Settings) -> log.TreeHead:
        async with self.db.transaction() as session:
            head = await log.publish(session, settings=settings)
        assert head is not None
        return head


def run(grams: int, acts: int, day: int = 1, region: str = "CN-GD-GZ") -> dict[str, Any]:
    """A run of acts on one day, or of two."""
    return {
        "from_day": f"2026-11-{day:02}",
        "to_day": f"2026-11-{day + 1:02}",
        "regions": [region],
        "acts": acts,
        "grams": grams,
    }


@pytest.fixture(scope="module")
async def teller(db: Database) -> Teller:
    return Teller(db)


@pytest.fixture(scope="module")
async def client(settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = public.build(settings)
    http.wire(app, settings=settings, db=db)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://puhui.test"
    ) as client:
        yield client
