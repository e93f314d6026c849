"""Lotteries 抽奖, drawn from two commitments.

Holds    lotteries, the commitments and secrets of their two parties, entries, and results.
Promises operator and second party are never the same organisation or person, and both committed before anybody enters;
         entries are fixed, and in the log, before a secret is revealed; a lottery has exactly one result, which anybody
         can compute again from the log; a party that stays silent is named, and then every entry's points go back.
Ignores  how a prize is handed over (rewards), and who stands behind a handle: names are the circle's to show.
"""

from backend import log
from backend.engagement.lotteries.drawing import Prize, commitment_to
from backend.engagement.lotteries.errors import (
    CommitmentRefused,
    EntriesExhausted,
    LotteryUnknown,
    NotEntering,
    RevealRefused,
    SecondPartyUnfit,
    TimesOutOfOrder,
)
from backend.engagement.lotteries.model import Entry, Lottery, Won
from backend.engagement.lotteries.published import published
from backend.engagement.lotteries.service import (
    close,
    commit,
    enter,
    entries_counted,
    lotteries_of,
    lotteries_of_party,
    lottery_of,
    open_lottery,
    own_entries,
    reveal,
    settle,
    settle_due,
    winners_of,
)

log.register(
    log.Sealed("lottery", key=("id",)),
    log.Sealed("lottery_commitment", key=("lottery_id", "party")),
    log.Sealed("lottery_entry", key=("id",)),
    log.Sealed("lottery_close", key=("lottery_id",)),
    log.Sealed("lottery_reveal", key=("lottery_id", "party")),
    log.Sealed("lottery_result", key=("lottery_id",)),
    log.Sealed("lottery_winner", key=("lottery_id", "place")),
)

__all__ = [
    "CommitmentRefused",
    "EntriesExhausted",
    "Entry",
    "Lottery",
    "LotteryUnknown",
    "NotEntering",
    "Prize",
    "RevealRefused",
    "SecondPartyUnfit",
    "TimesOutOfOrder",
    "Won",
    "close",
    "commit",
    "commitment_to",
    "enter",
    "entries_counted",
    "lotteries_of",
    "lotteries_of_party",
    "lottery_of",
    "open_lottery",
    "own_entries",
    "published",
    "reveal",
    "settle",
    "settle_due",
    "winners_of",
]
