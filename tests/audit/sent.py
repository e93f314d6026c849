"""Files of the partner: one taken in after it was stopped and resumed, tried before and failed once; one that is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from backend import intake, packs, programmes
from backend.identity import organisations, partners
from backend.intake import mapping_of, source_by_mapping, uploads
from backend.intake.uploads import tasks as work
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.kit.tasks import Worker

SOURCE = "metro-bikes"


async def build(db: Database, settings: Settings) -> None:
    library = packs.load_all()
    async with db.transaction() as session:
        metro = await organisations.organisation_by_code(session, code="metro")
        running = await programmes.programme_of(session, code="gd-green-travel")
        suggested = source_by_mapping(SOURCE, mapping_of(library.find("bike-share-distance")))
        await intake.register_source(session, replace(suggested, partner="metro"), programme_id=running.id)
        key = next(
            one for one in await partners.keys_of(session, organisation_id=metro.id) if not one.sandbox
        )
    sender = uploads.Sender(organisation_id=metro.id, key_id=key.id)
    head = b"account_no,started_at,ended_at,distance_m\n"
    rides = (
        b"M0,2026-11-05 08:00:00,2026-11-05 08:20:00,3000\nM1,2026-11-05 09:00:00,2026-11-05 09:20:00,2500\n"
    )
    taken = await _send(db, settings, sender, head + rides)
    unread = await _send(db, settings, sender, b"nothing of the kind\n")
    worker = Worker(settings=settings, db=db)
    for upload, dry_run in ((taken, True), (taken, False), (unread, False)):
        job_id = uploads.new_id()
        async with db.transaction() as session:
            await uploads.start(
                session,
                sender,
                upload,
                job_id=job_id,
                dry_run=dry_run,
                events=0 if dry_run else upload.lines or 0,
            )
        if not dry_run:
            async with db.transaction() as session:
                await uploads.cancel(session, sender, job_id)
            async with db.transaction() as session:
                await uploads.resume(session, sender, job_id)
        await work.carry_on(worker, job_id=job_id)
    await _send(db, settings, sender, head + rides[:50])
    with clock.travel(clock.now() + work.KEPT_FOR + timedelta(hours=1)):
        await work.forget(db, settings)


async def _send(db: Database, settings: Settings, sender: uploads.Sender, content: bytes) -> uploads.Upload:
    async def body() -> AsyncIterator[bytes]:
        yield content

    upload_id = uploads.new_id()
    received = await uploads.receive(
        settings, body(), upload_id=upload_id, file_type="csv", most_bytes=uploads.MOST_BYTES
    )
    async with db.transaction() as session:
        return await uploads.record(
            session,
            sender,
            upload_id=upload_id,
            source=await intake.source_of(session, SOURCE),
            file_name="rides.csv",
            file_type="csv",
            received=received,
        )
