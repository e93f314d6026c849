"""Redo a lottery's draw from what anybody can read: python lottery_draw.py FILE, the answer of /public/v1/lotteries/<id>.

It needs nothing but Python. Exit code 0: the result follows from both secrets and the entries. 1: it does not.
"""

import hashlib
import json
import pathlib
import sys
import uuid


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def drawn(told: dict) -> list:
    """The winners that secrets and entries give; a ValueError says what does not fit."""
    lottery = uuid.UUID(told["lottery"]).bytes
    secrets = [bytes.fromhex(told["secrets"][party]) for party in ("operator", "second")]
    for party, secret in zip(("operator", "second"), secrets, strict=True):
        if sha256(secret, lottery).hex() != told["commitments"][party]:
            raise ValueError(f"the secret of {party} is not what it committed to")
    order = sorted(told["entries"])
    entries = sha256("".join(f"{one}\n" for one in order).encode())
    if entries.hex() != told["entries_sha256"] or len(set(order)) != len(order):
        raise ValueError("the entries are not those that were fixed")
    seed, n = sha256(*secrets, entries, lottery), 0
    prizes = [prize["id"] for prize in told["prizes"] for _ in range(prize["count"])]
    winners, won = [], set()
    for at in range(len(order)):
        left = len(order) - at
        number = 2**64
        while number >= 2**64 - 2**64 % left:  # so that no entry is more likely than another
            number, n = int.from_bytes(sha256(seed, n.to_bytes(8, "big"))[:8], "big"), n + 1
        other = at + number % left
        order[at], order[other] = order[other], order[at]
        person = order[at].split("-")[0]
        if len(winners) < len(prizes) and not (told["one_prize_per_person"] and person in won):
            winners.append({"place": len(winners) + 1, "prize": prizes[len(winners)], "entry": order[at]})
            won.add(person)
    return winners


if __name__ == "__main__":
    told = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        sys.exit(None if drawn(told) == told["winners"] else "other entries win")
    except ValueError as error:
        sys.exit(str(error))
