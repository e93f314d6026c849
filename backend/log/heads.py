"""Signed tree heads, in the C2SP formats that witnesses and monitors of transparency logs already read.

A head is a checkpoint (c2sp.org/tlog-checkpoint) in a signed note (c2sp.org/signed-note): three lines with the
origin, the size and the base64 root, an empty line, then signatures of the form `— name base64(key id ‖ signature)`.
Ours carries two by the same key: type 0x01, Ed25519 over the text (RFC 8032), and type 0x04
(c2sp.org/tlog-cosignature), Ed25519 over `cosignature/v1`, the time in seconds and the text, which dates it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock
from backend.kit.settings import Keys, Settings
from backend.log import queries, service
from backend.log.errors import HeadNotGenuine, SigningKeyChanged
from backend.log.queries import PublicKey, TreeHead

FIRST = 1  # the generation of a log's first key; a new key gets the next number, old heads keep theirs

ROTATED = "log.key_rotated"  # the entry that names the next key

_PLAIN = b"\x01"
_DATED = b"\x04"
_SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class Checkpoint:
    """What a genuine head states."""

    origin: str
    size: int
    root: bytes
    signed_at: datetime


def key_id(name: str, public_key: bytes, *, kind: bytes = _PLAIN) -> bytes:
    """The four bytes by which a signed note names a key."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public_key).digest()[:4]


def signing_key(keys: Keys, *, generation: int = FIRST) -> Ed25519PrivateKey:
    """The key of one generation: the first comes from the root, a later one from the master of its time."""
    label = f"log/{generation}"
    return keys.ed25519(label) if generation == FIRST else keys.signing(label)


def public_key(keys: Keys, *, name: str, generation: int = FIRST) -> PublicKey:
    """What others need to verify heads signed under `name` (the log's origin)."""
    return _public(signing_key(keys, generation=generation), name=name, generation=generation)


def _public(private: Ed25519PrivateKey, *, name: str, generation: int) -> PublicKey:
    raw = private.public_key().public_bytes_raw()
    return PublicKey(key_id=key_id(name, raw), generation=generation, name=name, public_key=raw)


def sign(key: Ed25519PrivateKey, *, origin: str, size: int, root: bytes, at: datetime) -> str:
    """The signed note over a tree; the time counts in whole seconds."""
    text = _text(origin, size, root)
    seconds = int(at.timestamp())
    raw = key.public_key().public_bytes_raw()
    plain = key_id(origin, raw) + key.sign(text.encode())
    dated = key_id(origin, raw, kind=_DATED) + seconds.to_bytes(8, "big") + key.sign(_dated(seconds, text))
    return _note(origin, text, plain, dated)


def _text(origin: str, size: int, root: bytes) -> str:
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def _note(origin: str, text: str, *blobs: bytes) -> str:
    lines = "".join(f"— {origin} {base64.b64encode(blob).decode()}\n" for blob in blobs)
    return f"{text}\n{lines}"


def is_exact(note: str, *, stated: Checkpoint, key: PublicKey) -> bool:
    """Whether a genuine note is, to the last character, what the key's holder wrote: our two signatures, no more."""
    blobs = _signatures(note.rpartition("\n\n")[2], name=key.name)
    ids = [key_id(key.name, key.public_key, kind=kind) for kind in (_PLAIN, _DATED)]
    text = _text(stated.origin, stated.size, stated.root)
    return note == _note(key.name, text, *(id_ + blobs[id_] for id_ in ids))


def _dated(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def verify_head(note: str, *, key: PublicKey) -> Checkpoint:
    """Read a signed note with nothing but the note and the key; HeadNotGenuine when it is not by this key.

    Signatures of other keys are ignored, as the format asks; both of ours must be there and hold.
    """
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    if not separator or len(lines) != 4 or lines[0] != key.name:
        raise HeadNotGenuine(reason="not a checkpoint of this log")
    verifier = Ed25519PublicKey.from_public_bytes(key.public_key)
    blobs = _signatures(signatures, name=key.name)
    plain = blobs.get(key_id(key.name, key.public_key), b"")
    dated = blobs.get(key_id(key.name, key.public_key, kind=_DATED), b"")
    if len(plain) != _SIGNATURE_BYTES or len(dated) != 8 + _SIGNATURE_BYTES:
        raise HeadNotGenuine(reason="not signed by this key")
    seconds = int.from_bytes(dated[:8], "big")
    try:
        verifier.verify(plain, text.encode())
        verifier.verify(dated[8:], _dated(seconds, text))
        size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
        signed_at = datetime.fromtimestamp(seconds, UTC)
    except InvalidSignature as error:
        raise HeadNotGenuine(reason="the signature does not hold") from error
    except (ValueError, OverflowError) as error:
        raise HeadNotGenuine(reason="the size, the root or the time cannot be read") from error
    return Checkpoint(origin=lines[0], size=size, root=root, signed_at=signed_at)


def _signatures(block: str, *, name: str) -> dict[bytes, bytes]:
    found = {}
    for line in block.splitlines():
        dash, _, rest = line.partition(" ")
        signer, _, encoded = rest.partition(" ")
        if dash != "—" or signer != name:
            continue
        try:
            blob = base64.b64decode(encoded, validate=True)
        except ValueError as error:  # also characters that are not ASCII
            raise HeadNotGenuine(reason="a signature line cannot be read") from error
        found[blob[:4]] = blob[4:]
    return found


async def publish(session: AsyncSession, *, settings: Settings) -> TreeHead | None:
    """Sign and keep the head of the log as this transaction sees it; None when it did not grow.

    Show the head to anyone only after the transaction is committed: the caller's own uncommitted entries are in it.
    Raises SigningKeyChanged when the key in use is not one of these settings' keys.
    """
    key, private = await signer(session, settings=settings)
    return await _publish(session, key, private)


async def signer(session: AsyncSession, *, settings: Settings) -> tuple[PublicKey, Ed25519PrivateKey]:
    """The key in use: of the log's name the newest, which a log that has none yet begins with."""
    named = [key for key in await queries.keys(session) if key.name == settings.log_origin]
    current = named[-1] if named else public_key(settings.keys, name=settings.log_origin)
    label = f"log/{current.generation}"
    own = [settings.keys.ed25519(label)] if current.generation == FIRST else settings.keys.verifying(label)
    for private in own:
        if private.public_key().public_bytes_raw() == current.public_key:
            return current, private
    raise SigningKeyChanged


async def rotate(session: AsyncSession, *, settings: Settings) -> PublicKey:
    """Let the next key sign from now on; its public half.

    The entry `log.key_rotated` names the new key, and the last head that the old key ever signs covers it: whoever
    trusts the old key learns the new one from there, and nobody else can name one. All of it is one transaction.
    """
    await queries.lock_heads(session)
    old, private = await signer(session, settings=settings)
    await _publish(session, old, private)
    new = public_key(settings.keys, name=old.name, generation=old.generation + 1)
    await service.append(
        session,
        kind=ROTATED,
        body={
            "name": new.name,
            "generation": new.generation,
            "public_key": base64.b64encode(new.public_key).decode(),
            "key_id": new.key_id.hex(),
            "previous_key_id": old.key_id.hex(),
        },
    )
    await _publish(session, old, private)
    await queries.register_key(session, generation=new.generation, name=new.name, public_key=new.public_key)
    return new


async def _publish(session: AsyncSession, key: PublicKey, private: Ed25519PrivateKey) -> TreeHead | None:
    size = await queries.size(session)
    latest = await queries.latest_head(session)
    if size == 0 or (latest is not None and latest.size >= size):
        return None
    root = await queries.root(session, size=size)
    at = clock.now().replace(microsecond=0)
    note = sign(private, origin=key.name, size=size, root=root, at=at)
    await queries.register_key(session, generation=key.generation, name=key.name, public_key=key.public_key)
    head = TreeHead(size=size, root=root, signed_at=at, key_id=key.key_id, note=note)
    return head if await queries.store_head(session, head) else None
