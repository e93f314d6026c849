"""The secrets of a deployment in one file that only a passphrase opens, to be kept apart from every backup.

The file is JSON: the scrypt parameters, and AES-256-GCM over the ring of keys and, on embedded servers, the passwords
of the servers' roles. A backup of the database without it is noise where it is personal; it without a backup is of no
use.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from backend.kit.errors import DomainError, Kind
from backend.kit.keys import Ring

FORMAT = "puhui-keys/1"
_COST = {"n": 2**16, "r": 8, "p": 1}  # 64 MiB and about a quarter of a second for each guess
_SHORTEST = 12


@dataclass(eq=False)
class PassphraseTooShort(DomainError):
    """A passphrase that guards every key has at least 12 characters."""

    code = "keys.passphrase_too_short"
    kind = Kind.INVALID
    title_zh = "保护全部密钥的口令至少 12 个字符。"


@dataclass(eq=False)
class KeyFileNotOpened(DomainError):
    """The passphrase does not open the key file, or the file is not one or was changed."""

    code = "keys.file_not_opened"
    kind = Kind.INVALID
    title_zh = "口令打不开密钥文件，或该文件不是密钥文件、已被改动。"

    file: Path


@dataclass(eq=False)
class KeyFileExists(DomainError):
    """A key file is never overwritten; name another."""

    code = "keys.file_exists"
    kind = Kind.CONFLICT
    title_zh = "不覆盖已有的密钥文件；请另取名称。"

    file: Path


@dataclass(frozen=True)
class Secrets:
    """What a key file holds."""

    ring: Ring
    passwords: dict[str, str]  # of the embedded servers' roles; empty with given ones


def write(path: Path, kept: Secrets, *, passphrase: str) -> None:
    """Write a new key file, whole and for its owner only."""
    if len(passphrase) < _SHORTEST:
        raise PassphraseTooShort
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    head = {"format": FORMAT, "scrypt": _COST, "salt": _text(salt), "nonce": _text(nonce)}
    plain = json.dumps({"ring": kept.ring.as_dict(), "passwords": kept.passwords}).encode()
    sealed = AESGCM(_key(passphrase, salt, _COST)).encrypt(nonce, plain, FORMAT.encode())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyFileExists(file=path) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps({**head, "sealed": _text(sealed)}, indent=1) + "\n")
        file.flush()
        os.fsync(descriptor)


def read(path: Path, *, passphrase: str) -> Secrets:
    """Open a key file. Raises KeyFileNotOpened."""
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if found["format"] != FORMAT or found["scrypt"] != _COST:
            raise KeyFileNotOpened(file=path)
        key = _key(passphrase, base64.b64decode(found["salt"]), _COST)
        nonce, sealed = base64.b64decode(found["nonce"]), base64.b64decode(found["sealed"])
        opened = json.loads(AESGCM(key).decrypt(nonce, sealed, FORMAT.encode()))
        return Secrets(Ring.of(opened["ring"]), dict(opened["passwords"]))
    except (OSError, ValueError, KeyError, TypeError, InvalidTag) as error:
        raise KeyFileNotOpened(file=path) from error


def _key(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, **cost).derive(passphrase.encode())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
