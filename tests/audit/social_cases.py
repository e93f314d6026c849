"""What breaks the invariants of profiles, friends, teams, the feed and news."""

from __future__ import annotations

NOBODY = "gen_random_uuid()"
STRANGER = "(SELECT id FROM staff WHERE login = 'till')"
EARLIER = "interval '1 hour'"
NAMED = "kind = 'named'"
HIDDEN = "kind = 'hidden'"
ENDED = "id IN (SELECT friendship_id FROM circle_friendship_end)"
HID = "staff_id IS NOT NULL"

CASES: dict[str, list[tuple[str, ...]]] = {
    "circle.profiles": [
        (f"UPDATE circle_event SET participant_id = {NOBODY} WHERE {NAMED}",),
        ("UPDATE participant SET kind = 'firm' WHERE id IN (SELECT participant_id FROM circle_event WHERE kind = 'named')",),
        (f"DELETE FROM circle_event WHERE {HIDDEN}",),
        (f"UPDATE circle_event SET said_at = said_at - {EARLIER} WHERE {HIDDEN}",),
        ("UPDATE circle_event SET seq = seq + 5 WHERE kind = 'erased'",),
        (f"UPDATE circle_event SET handle = 'ffffffffffffffff' WHERE {NAMED}",),
        (f"UPDATE circle_event SET name_sealed = NULL WHERE {NAMED}",),
        ("UPDATE circle_event SET text_sha256 = (SELECT sha256 FROM agreement_text WHERE agreement_id <> 'social-profile' LIMIT 1) WHERE kind = 'shown'",),
        ("DELETE FROM circle_event WHERE kind = 'erased'",),
    ],
    "circle.friends": [
        ("UPDATE circle_invitation SET expires_at = expires_at + interval '1 second'",),
        (f"UPDATE circle_invitation SET participant_id = {NOBODY} WHERE id NOT IN (SELECT id FROM circle_friendship)",),
        (f"UPDATE circle_friendship SET second_id = {NOBODY} WHERE {ENDED}",),
        (f"UPDATE circle_friendship SET first_id = {NOBODY}, second_id = {NOBODY} WHERE {ENDED}",),
        (f"UPDATE circle_friendship SET made_at = made_at - {EARLIER} WHERE {ENDED}",),
        (f"UPDATE circle_friendship SET id = {NOBODY} WHERE {ENDED}",),
        (f"""INSERT INTO circle_invitation SELECT '{"0" * 8}-0000-0000-0000-{"0" * 12}', programme_id, participant_id,
                 sha256('x'), made_at, expires_at, xid FROM circle_invitation WHERE id = (SELECT f.id FROM circle_friendship f
                 WHERE NOT EXISTS (SELECT FROM circle_friendship_end e WHERE e.friendship_id = f.id)
                 ORDER BY f.id LIMIT 1)""",
         f"""INSERT INTO circle_friendship SELECT '{"0" * 8}-0000-0000-0000-{"0" * 12}', programme_id, first_id, second_id,
                 made_at, xid FROM circle_friendship f
             WHERE NOT EXISTS (SELECT FROM circle_friendship_end e WHERE e.friendship_id = f.id)
             ORDER BY f.id LIMIT 1"""),
        (f"UPDATE circle_friendship_end SET ended_by = {NOBODY}",),
        (f"UPDATE circle_friendship_end SET ended_at = ended_at - {EARLIER}",),
    ],
    "teams.membership": [
        ("UPDATE team SET founded_at = founded_at + interval '1 day'",),
        ("DELETE FROM team WHERE id = (SELECT team_id FROM team_event WHERE kind = 'led')",),
        ("DELETE FROM team_event WHERE kind = 'left'",),
        ("UPDATE team_event SET happened_at = happened_at - interval '1 hour' WHERE kind = 'led'",),
        (f"UPDATE team_event SET participant_id = {NOBODY} WHERE kind = 'led'",),
        ("UPDATE team_event SET kind = 'joined' WHERE kind = 'led'",),
        ("UPDATE team_event SET name_sealed = NULL WHERE kind = 'named'",),
        (f"UPDATE team_event SET participant_id = {NOBODY} WHERE kind = 'joined' AND seq = 2",),
        ("""INSERT INTO team_event SELECT team_id, n, 'joined', gen_random_uuid(), NULL, now(), xid
            FROM team_event, generate_series(10, 300) AS n WHERE kind = 'left'""",),
        ("UPDATE team_event SET happened_at = happened_at + interval '1 day' WHERE kind = 'left'",),
    ],
    "feed.posts": [
        ("UPDATE feed_post SET handle = 'ffffffffffffffff'",),
        (f"UPDATE feed_post SET posted_at = posted_at - {EARLIER}",),
        ("UPDATE feed_post SET kind = 'poem'",),
        ("""INSERT INTO feed_post SELECT gen_random_uuid(), programme_id, participant_id, handle, kind, reference, audience,
                posted_at, xid FROM feed_post WHERE id IN (SELECT post_id FROM feed_removal WHERE staff_id IS NOT NULL)""",),
        ("UPDATE feed_like SET liked = NOT liked WHERE seq = 2",),
        ("DELETE FROM feed_like WHERE seq = 2",),
        (f"UPDATE feed_like SET participant_id = {NOBODY} WHERE seq = 1",),
        (f"UPDATE feed_report SET post_id = {NOBODY}",),
        (f"UPDATE feed_report SET participant_id = {NOBODY}",),
        (f"UPDATE feed_removal SET removed_at = removed_at - {EARLIER}",),
        (f"UPDATE feed_removal SET reason_en = '' WHERE {HID}",),
        (f"UPDATE feed_removal SET staff_id = {STRANGER} WHERE {HID}",),
    ],
    "news.published": [
        (f"UPDATE news_item SET published_by = {STRANGER}",),
        (f"UPDATE news_withdrawal SET withdrawn_by = {STRANGER}",),
        ("UPDATE news_withdrawal SET withdrawn_at = withdrawn_at - interval '1 hour'",),
        (f"UPDATE news_withdrawal SET item_id = {NOBODY}",),
    ],
}  # fmt: skip
