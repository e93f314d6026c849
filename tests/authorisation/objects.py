"""Where, in the audited city, there is one of each object that an address can name, and whose it is.

A query answers the values of all parameters of an address together (an object and what it lies in) and its owner: a participant, or an
organisation whose staff see it. `None`: everybody who is let in may see it, or there are none of its kind in the city.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """How to find one. `owner`: the column that holds its participant's or organisation's id."""

    sql: str
    owner: str | None = None


def _redeemed(what: str) -> Found:
    return Found(
        "SELECT r.id AS redemption_id, r.participant_id AS owner FROM redemption r JOIN offer o ON o.id = r.offer_id "
        f"WHERE o.gives = '{what}' LIMIT 1",
        "owner",
    )


def _offered(what: str) -> Found:
    return Found(
        f"SELECT id AS offer_id, merchant_id AS owner FROM offer WHERE gives = '{what}' LIMIT 1", "owner"
    )


# by surface and the parameter that names the object, or the address's first part and the parameter, or the parameter and what is asked
# of the object
OBJECTS: dict[str, dict[str, Found]] = {
    "/mobile/v1": {
        "act_id": Found(
            """
            SELECT a.claim_key AS act_id, h.participant_id AS owner
            FROM action a JOIN means_holding h ON upper_inf(h.held) JOIN means m ON m.id = h.means_id AND m.token = a.means_token
            WHERE a.participant_id = h.participant_id LIMIT 1
        """,
            "owner",
        ),
        "device_id": Found("SELECT id AS device_id, participant_id AS owner FROM device LIMIT 1", "owner"),
        "door_id": Found(
            "SELECT id AS door_id, participant_id AS owner FROM door WHERE closed_at IS NULL LIMIT 1", "owner"
        ),
        "group_id": Found(
            "SELECT group_id, member_id AS owner FROM membership m WHERE role = 'manager' AND NOT EXISTS "
            "(SELECT FROM membership_end e WHERE e.membership_id = m.id) LIMIT 1",
            "owner",
        ),
        "membership_id": Found(
            "SELECT id AS membership_id, group_id, member_id AS owner FROM membership m WHERE role = 'manager' "
            "AND NOT EXISTS (SELECT FROM membership_end e WHERE e.membership_id = m.id) LIMIT 1",
            "owner",
        ),
        "entry_id": Found(
            "SELECT id AS entry_id, participant_id AS owner FROM footprint_entry e WHERE NOT EXISTS "
            "(SELECT FROM footprint_withdrawal w WHERE w.entry_id = e.id) LIMIT 1",
            "owner",
        ),
        "holding_id": Found(
            "SELECT id AS holding_id, participant_id AS owner FROM means_holding WHERE upper_inf(held) LIMIT 1",
            "owner",
        ),
        "takeover_id": Found(
            "SELECT id AS takeover_id, taker_id AS owner FROM means_takeover LIMIT 1", "owner"
        ),
        "line": Found(
            "SELECT h.job_id, h.line, h.participant_id AS owner FROM intake_held h "
            "WHERE h.participant_id IS NOT NULL LIMIT 1",
            "owner",
        ),
        "redemption_id": Found(
            "SELECT id AS redemption_id, participant_id AS owner FROM redemption LIMIT 1", "owner"
        ),
        **{f"redemption_id/{what}": _redeemed(what) for what in ("coupon", "voucher")},
        "tree_id": Found(
            "SELECT g.id AS tree_id, p.code AS programme, g.participant_id AS owner FROM tree t "
            "JOIN reward_grant g ON g.id = t.grant_id JOIN programme p ON p.id = g.programme_id LIMIT 1",
            "owner",
        ),
        "offer_id": Found("SELECT id AS offer_id FROM offer LIMIT 1"),
        "event_id": Found(
            "SELECT e.id AS event_id, p.code AS programme FROM event e JOIN programme p ON p.id = e.programme_id "
            "LIMIT 1"
        ),
        "lottery_id": Found(
            "SELECT l.id AS lottery_id, p.code AS programme FROM lottery l "
            "JOIN programme p ON p.id = l.programme_id LIMIT 1"
        ),
        "programme": Found("SELECT code AS programme FROM programme LIMIT 1"),
    },
    "/merchant/v1": {
        "shop_id": Found("SELECT id AS shop_id, merchant_id AS owner FROM shop LIMIT 1", "owner"),
        "clerk_id": Found(
            "SELECT id AS clerk_id, merchant_id AS owner FROM clerk ORDER BY made_at LIMIT 1", "owner"
        ),
        "till_id": Found(
            "SELECT id AS till_id, merchant_id AS owner FROM till ORDER BY enrolled_at LIMIT 1", "owner"
        ),
        "key_id": Found(
            "SELECT id AS key_id, merchant_id AS owner FROM software_key ORDER BY made_at LIMIT 1", "owner"
        ),
        "offer_id": Found("SELECT id AS offer_id, merchant_id AS owner FROM offer LIMIT 1", "owner"),
        **{f"offer_id/{what}s": _offered(what) for what in ("coupon", "voucher")},
        "redemption_id": Found(
            "SELECT redemption_id, merchant_id AS owner FROM redemption_end WHERE ended = 'captured' LIMIT 1",
            "owner",
        ),
        "redemption_id/settlement": Found(
            "SELECT redemption_id, merchant_id AS owner FROM capture_value LIMIT 1", "owner"
        ),
        "statement_id": Found(
            "SELECT id AS statement_id, merchant_id AS owner FROM settlement_statement LIMIT 1", "owner"
        ),
    },
    "/verifier/v1": {
        "batch_id": Found(
            "SELECT batch_id, organisation_id AS owner, 0 AS position FROM batch_assignment LIMIT 1", "owner"
        ),
    },
    "/operator/v1": {
        "code": Found(
            """
            SELECT p.code, o.id AS owner FROM lottery x JOIN programme p ON p.id = x.programme_id
            JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "statement_id": Found(
            """
            SELECT x.id AS statement_id, p.code, o.id AS owner FROM settlement_statement x
            JOIN programme p ON p.code = x.programme JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "offer_id": Found(
            """
            SELECT x.id AS offer_id, p.code, o.id AS owner FROM offer x
            JOIN programme p ON p.code = x.programme JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "budget_id": Found(
            """
            SELECT x.id AS budget_id, p.code, o.id AS owner FROM offer_budget x
            JOIN programme p ON p.code = x.programme JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "redemption_id": Found(
            """
            SELECT x.redemption_id, p.code, o.id AS owner FROM capture_value x
            JOIN programme p ON p.code = x.programme JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "run_id": Found(
            """
            SELECT x.id AS run_id, p.code, o.id AS owner FROM settlement_payout x
            JOIN programme p ON p.code = x.programme JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "payout_id": Found(
            """
            SELECT x.id AS payout_id, p.code, o.id AS owner FROM benefit_payout x
            JOIN programme p ON p.id = x.programme_id JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "handover_id": Found(
            """
            SELECT x.id AS handover_id, x.reward, p.code, o.id AS owner FROM cause_handover x
            JOIN programme p ON p.id = x.programme_id JOIN organisation o ON o.code = p.operator_code
            WHERE x.reference = 'R-1' LIMIT 1
        """,
            "owner",
        ),
        "grant_id": Found(
            """
            SELECT x.id AS grant_id, p.code, o.id AS owner FROM reward_grant x
            JOIN programme p ON p.id = x.programme_id JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "item_id": Found(
            """
            SELECT x.id AS item_id, p.code, o.id AS owner FROM news_item x
            JOIN programme p ON p.id = x.programme_id JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "post_id": Found(
            """
            SELECT x.id AS post_id, p.code, o.id AS owner FROM feed_post x
            JOIN programme p ON p.id = x.programme_id JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "event_id": Found(
            """
            SELECT x.id AS event_id, p.code, o.id AS owner FROM event x
            JOIN programme p ON p.id = x.programme_id JOIN organisation o ON o.code = p.operator_code LIMIT 1
        """,
            "owner",
        ),
        "partners/code": Found(
            """
            SELECT s.partner_code AS code, o.id AS owner FROM intake_source s JOIN programme p ON p.id = s.programme_id
            JOIN organisation o ON o.code = p.operator_code JOIN organisation w ON w.code = s.partner_code
            JOIN partner_key k ON k.organisation_id = w.id LIMIT 1
        """,
            "owner",
        ),
        "batch_id": Found("SELECT id AS batch_id, operator_id AS owner FROM batch LIMIT 1", "owner"),
    },
    "/market/v1": {
        "sale_id": Found(
            "SELECT s.id AS sale_id, o.id AS owner FROM sale s JOIN organisation o ON o.code = s.seller LIMIT 1",
            "owner",
        ),
    },
}
