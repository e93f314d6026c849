"""The secrets of a deployment, and the keys derived from them by purpose."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTES = 32
MOST_KNOWN = 256  # derived keys that are remembered


class Keys:
    """Every key of the platform, derived by its purpose from one of three kinds of secret.

    The **root** never changes: what finds an act, a card or a person again is derived from it, and with another root
    the same trip could be claimed twice. The **master** seals and signs what is new, and may be replaced. **Other**
    masters open and verify what is older, or what a process that was restarted first already seals with the next one.
    In a new deployment the master is the root too.
    """

    def __init__(self, master: bytes, *, others: Sequence[bytes] = (), root: bytes | None = None) -> None:
        self._root = master if root is None else root
        self._masters = tuple(dict.fromkeys((master, *others)))
        if any(len(key) < KEY_BYTES for key in (self._root, *self._masters)):
            raise ValueError("a master key has fewer than 32 bytes")
        self._known: dict[str, bytes] = {}

    def derive(self, label: str) -> bytes:
        """The 32-byte key for one purpose, the same for ever; another label gives an unrelated key."""
        found = self._known.get(label)
        if found is None:
            found = _derived(self._root, label)
            if len(self._known) < MOST_KNOWN:
                self._known[label] = found
        return found

    def ed25519(self, label: str) -> Ed25519PrivateKey:
        """The signing key for one purpose, the same for ever."""
        return Ed25519PrivateKey.from_private_bytes(self.derive("ed25519/" + label))

    def sealing(self, label: str) -> bytes:
        """The key with which something is sealed now."""
        return _derived(self._masters[0], label)

    def opening(self, label: str) -> list[bytes]:
        """The keys with which something may have been sealed, the present one first."""
        return [_derived(master, label) for master in self._masters]

    def signing(self, label: str) -> Ed25519PrivateKey:
        """The key that signs now."""
        return self.verifying(label)[0]

    def verifying(self, label: str) -> list[Ed25519PrivateKey]:
        """The keys that may have signed, the present one first."""
        return [Ed25519PrivateKey.from_private_bytes(key) for key in self.opening("ed25519/" + label)]

    @property
    def rotating(self) -> bool:
        """True while other masters are still at hand."""
        return len(self._masters) > 1


def _derived(secret: bytes, label: str) -> bytes:
    return hmac.digest(secret, b"puhui/" + label.encode(), hashlib.sha256)


def decoded(key: str) -> bytes:
    """The bytes of a key as it is written down, in base64."""
    return base64.b64decode(key.strip(), validate=True)


def encoded(key: bytes) -> str:
    """A key as it is written down."""
    return base64.b64encode(key).decode()


def new_key() -> bytes:
    """Fresh randomness for a master key."""
    return secrets.token_bytes(KEY_BYTES)


@dataclass(frozen=True)
class Ring:
    """The secrets that a deployment keeps: the root, the present master, and other masters still needed."""

    root: bytes = field(repr=False)
    master: bytes = field(repr=False)
    others: tuple[bytes, ...] = field(default=(), repr=False)

    def keys(self) -> Keys:
        return Keys(self.master, others=self.others, root=self.root)

    def as_dict(self) -> dict[str, object]:
        return {
            "root": encoded(self.root),
            "master": encoded(self.master),
            "others": [encoded(key) for key in self.others],
        }

    @classmethod
    def of(cls, written: dict[str, object]) -> Ring:
        """Read what `as_dict` gives; ValueError for anything else."""
        root, master, others = written.get("root"), written.get("master"), written.get("others")
        if not isinstance(root, str) or not isinstance(master, str) or not isinstance(others, list):
            raise ValueError("not a ring of keys")  # noqa: TRY004 - the content is wrong, not the caller
        return cls(decoded(root), decoded(master), tuple(decoded(str(key)) for key in others))


@dataclass(frozen=True)
class KeyFiles:
    """Where the embedded mode keeps its secrets: `master.key`, the root and at first the only one, and once that was
    replaced `ring.json`, which names the present master. Each is written whole or not at all, for its owner only.
    """

    folder: Path

    def read(self) -> Ring:
        """The secrets; the first one is made when there is none."""
        root = self._root()
        with contextlib.suppress(FileNotFoundError):
            return Ring.of(json.loads((self.folder / "ring.json").read_text("utf-8")))
        return Ring(root=root, master=root)

    def write(self, ring: Ring) -> None:
        """Keep another ring; its root may not differ from the one that is there."""
        if self._root(ring.root) != ring.root:
            raise ValueError("the root never changes")
        draft = self._draft("ring.json", json.dumps(ring.as_dict(), indent=1).encode())
        draft.replace(self.folder / "ring.json")
        self._on_disk()

    def _root(self, wanted: bytes | None = None) -> bytes:
        path = self.folder / "master.key"
        if not path.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._draft(path.name, base64.b64encode(wanted or new_key()))
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # fails when another process was first, whose key then stands
            draft.unlink()
            self._on_disk()
        return base64.b64decode(path.read_bytes())

    def _draft(self, name: str, content: bytes) -> Path:
        draft = self.folder / f".{name}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _on_disk(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
