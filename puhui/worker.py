"""The Celery app: `celery --app puhui.worker:app worker` and `… beat`.

Here, and nowhere else, it is decided when which job runs. Handlers and jobs come in by importing their modules.
"""

from __future__ import annotations

from celery.schedules import crontab

from backend import identity, inbox, ledger, log, programmes, transparency, webhooks
from backend.certification import shortfalls
from backend.engagement import events, followers, lotteries
from backend.identity import partners
from backend.intake import home, releasing, retention, sandbox
from backend.intake.uploads import tasks as uploads
from backend.kit import clock, logging, metrics, tasks
from backend.kit.tasks import Worker
from backend.programmes import joined, lapsing
from merchant import onboarding, redemption, tills, vouchers
from offset_bridge import bridge, market
from offset_bridge.bridge import tasks as _bridge  # noqa: F401 - what the outbox owes for a bridge transfer
from puhui import audit, runtime

_log = logging.get("puhui.audit")

FULL_AUDIT_ON = 7  # Sunday
PULSE_EVERY_S = 15
SEAL_EVERY_S = 60
CHECKPOINT_EVERY_S = 60
FOLLOW_EVERY_S = 20
LAPSE_EVERY_S = 10
DELIVER_EVERY_S = 5
SWEEP_EVERY_S = 60
SETTLE_EVERY_S = 30


@tasks.job("log.seal", every=SEAL_EVERY_S)
async def seal(worker: Worker) -> None:
    """Seal the rows of finished transactions into the log."""
    await log.seal_all(worker.db)


@tasks.job("log.sign", every=crontab(minute="0"))
async def sign(worker: Worker) -> None:
    """Sign the log's present size and root."""
    async with worker.db.transaction() as session:
        await log.publish(session, settings=worker.settings)


@tasks.job("operation.pulse", every=PULSE_EVERY_S)
async def pulse(worker: Worker) -> None:
    """Show that beat, broker, worker and database work together: `puhui_recorded_timestamp_seconds{name="pulse"}`."""
    async with worker.db.transaction() as session:
        await metrics.record(session, "pulse", 1)


@tasks.job("transparency.follow", every=FOLLOW_EVERY_S)
async def follow_log(worker: Worker) -> None:
    """Read what the log has gained, so that nobody who asks for a serial number has to wait for it."""
    await transparency.catch_up(worker.db)


@tasks.job("acts.follow", every=FOLLOW_EVERY_S)
async def follow_acts(worker: Worker) -> None:
    """Follow acts that came or went, and what tasks, campaigns, referrals and boards make of them."""
    await followers.follow(worker.db)


@tasks.job("ledger.checkpoints", every=CHECKPOINT_EVERY_S)
async def checkpoints(worker: Worker) -> None:
    """Fold the finished tail of unguarded accounts, so that their balances stay quick to read."""
    async with worker.db.transaction() as session:
        await ledger.advance_checkpoints(session)


@tasks.job("programmes.expire", every=crontab(hour="0", minute="20"))
async def expire(worker: Worker) -> None:
    """Let points lapse in the night after their last day."""
    await programmes.wallets.expire_all(worker.db)
    await programmes.benefits.expire_all(worker.db)


@tasks.job("programmes.joined", every=joined.SWEEP_EVERY_S)
async def sweep_joined(worker: Worker) -> None:
    """Move on what came late to accounts that ended in another."""
    await joined.sweep(worker.db)


@tasks.job("programmes.forfeit_late", every=crontab(hour="0", minute="30"))
async def forfeit_late(worker: Worker) -> None:
    """Give up what came late to accounts that their holders closed."""
    await programmes.forfeiting.forfeit_late(worker.db)


@tasks.job("programmes.collect", every=crontab(hour="0", minute="10"))
async def collect(worker: Worker) -> None:
    """Collect what is ripe in programmes where the platform does so."""
    await programmes.pending.collect_for_all(worker.db)


@tasks.job("intake.release_late", every=600)
async def release_late(worker: Worker) -> None:
    """Let grams leave the pools that a file brought there while the right to them was taken back."""
    await releasing.release_late(worker.db)


@tasks.job("intake.forget_places", every=crontab(hour="3", minute="10"))
async def forget_places(worker: Worker) -> None:
    """Forget where acts began and ended once screens no longer need it."""
    async with worker.db.transaction() as session:
        await retention.forget_places(session)


@tasks.job("certification.cancel_overdue", every=crontab(hour="2", minute="40"))
async def cancel_overdue(worker: Worker) -> None:
    """Let operators lose the tonnes that they owe for withdrawn acts, where the programme's term is over."""
    for one in await shortfalls.cancel_overdue(worker.db):
        _log.warning("credits cancelled", operator=one.operator, quantity_t=one.quantity_t)


@tasks.job("bridge.sweep", every=60)
async def sweep_bridge(worker: Worker) -> None:
    """Carry on with bridge transfers whose next step nobody took."""
    await bridge.sweep(worker.db)


@tasks.job("market.expire", every=60)
async def expire_sales(worker: Worker) -> None:
    """Give back what was offered to somebody who did not answer in time."""
    await market.expire_all(worker.db)


@tasks.job("merchant.lapse", every=LAPSE_EVERY_S)
async def lapse(worker: Worker) -> None:
    """Give back what redemptions set aside that no till captured in time."""
    await redemption.lapse_due(worker.db)


@tasks.job("vouchers.remind", every=crontab(hour="9", minute="10"))
async def remind_of_vouchers(worker: Worker) -> None:
    """Tell citizens whose vouchers end within five days."""
    await vouchers.remind_all(worker.db)


@tasks.job("webhooks.deliver", every=DELIVER_EVERY_S)
async def deliver_webhooks(worker: Worker) -> None:
    """Tell merchants' own systems what is due."""
    await webhooks.deliver_due(worker.db, worker.settings)


@tasks.job("points.warn", every=crontab(hour="9", minute="0"))
async def warn_of_lapsing(worker: Worker) -> None:
    """Tell citizens whose points lapse within thirty days."""
    await lapsing.warn_all(worker.db)


@tasks.job("home.forget", every=crontab(hour="3", minute="55"))
async def forget_reach(worker: Worker) -> None:
    """Forget how far back acts reached, once no sum that is kept can rest on it."""
    async with worker.db.transaction() as session:
        await home.forget_reach(session)


@tasks.job("onboarding.forget", every=crontab(hour="4", minute="15"))
async def forget_applications(worker: Worker) -> None:
    """Forget applications of merchants that nobody went on with, with their documents."""
    async with worker.db.transaction() as session:
        await onboarding.forget(session)


@tasks.job("inbox.forget", every=crontab(hour="3", minute="45"))
async def forget_messages(worker: Worker) -> None:
    """Forget what citizens were told half a year ago."""
    async with worker.db.transaction() as session:
        await inbox.forget_old(session)


@tasks.job("tills.forget", every=crontab(hour="3", minute="40"))
async def forget_tills(worker: Worker) -> None:
    """Forget what tills signed, and codes and shifts that are over."""
    async with worker.db.transaction() as session:
        await tills.forget_old(session)
        await redemption.forget_misses(session)


@tasks.job("webhooks.forget", every=crontab(hour="3", minute="50"))
async def forget_webhooks(worker: Worker) -> None:
    """Forget what was told two months ago."""
    async with worker.db.transaction() as session:
        await webhooks.forget_old(session)


@tasks.job("games.settle", every=SETTLE_EVERY_S)
async def settle_games(worker: Worker) -> None:
    """Close and settle lotteries whose time has come, and give those their points back who got no seat at an event."""
    await lotteries.settle_due(worker.db)
    await events.settle_begun(worker.db)


@tasks.job("uploads.sweep", every=SWEEP_EVERY_S)
async def sweep_uploads(worker: Worker) -> None:
    """Promise again the jobs of partners' files that are to go on and that nobody owes."""
    await uploads.sweep(worker.db)


@tasks.job("uploads.forget", every=crontab(minute="40"))
async def forget_uploads(worker: Worker) -> None:
    """Remove partners' files some time after their jobs ended."""
    await uploads.forget(worker.db, worker.settings)


@tasks.job("partners.forget", every=600)
async def forget_signatures(worker: Worker) -> None:
    """Forget nonces whose signatures are out of time, acts of sandboxes and counts of days long gone, piece by piece."""
    for forget_some in (partners.forget_nonces, sandbox.forget_old):
        removed = 1
        while removed:
            async with worker.db.transaction() as session:
                removed = await forget_some(session)
    async with worker.db.transaction() as session:
        await partners.forget_usage(session)


@tasks.job("identity.forget", every=crontab(hour="4", minute="10"))
async def forget(worker: Worker) -> None:
    """Forget sign-in codes, counted attempts and ended sessions that no rule asks for any more."""
    async with worker.db.transaction() as session:
        await identity.forget_expired(session)


@tasks.job("audit", every=crontab(hour="3", minute="30"))
async def nightly_audit(worker: Worker) -> None:
    """Prove the books, and record how many violations there are: `puhui_recorded{name="audit_violations"}`.

    On Sundays all of them; on other days what was added since the last audit that passed.
    """
    weekday = clock.now().astimezone(clock.SHANGHAI).isoweekday()
    report = await audit.conduct(worker.db, worker.settings, incremental=weekday != FULL_AUDIT_ON)
    async with worker.db.transaction() as session:
        await metrics.record(session, "audit_violations", report.found)
        await metrics.record(session, "audit_unsealed_rows", sum(report.unsealed.values()))
    for result in report.results:
        for violation in result.checked.violations:
            _log.error("audit violation", invariant=result.invariant.name, violation=str(violation))


logging.configure()
app = tasks.make_app(runtime.load_settings())
