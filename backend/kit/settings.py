"""Settings from the environment (`PUHUI_…`), and the keys that the platform signs and hides with."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

KEY_BYTES = 32


def default_data_dir() -> Path:
    """The folder of this user's data: `$XDG_DATA_HOME/puhui`, else `~/.local/share/puhui`."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "puhui"


class Keys:
    """Every key of the platform, derived from one master key by its purpose."""

    def __init__(self, master: bytes) -> None:
        if len(master) < KEY_BYTES:
            raise ValueError("the master key has fewer than 32 bytes")
        self._master = master

    def derive(self, label: str) -> bytes:
        """The 32-byte key for one purpose; another label gives an unrelated key."""
        return hmac.digest(self._master, b"puhui/" + label.encode(), hashlib.sha256)

    def ed25519(self, label: str) -> Ed25519PrivateKey:
        """The signing key for one purpose."""
        return Ed25519PrivateKey.from_private_bytes(self.derive("ed25519/" + label))


class Settings(BaseSettings):
    """What a deployment decides. With neither URL set, the embedded servers are used."""

    model_config = SettingsConfigDict(env_prefix="PUHUI_", extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: SecretStr | None = None  # the application's role
    owner_database_url: SecretStr | None = None  # the role that owns the tables; migrations only
    redis_url: SecretStr | None = None
    master_key: SecretStr | None = None  # base64, at least 32 bytes; embedded mode keeps its own in a file
    log_origin: str = "puhui.local/log"  # names this deployment's public log in every signed tree head
    issuer: str = "puhui.local"
    pool_size: int = 10
    hot_pool_size: int = 16
    statement_cache: bool = True  # off behind a transaction-mode pooler
    language: Literal["zh", "en"] = "zh"
    embedded: bool = True
    embedded_database: str = Field(
        default="puhui", pattern="^puhui(_[a-z0-9]+)*$"
    )  # `puhui demo` has its own

    @model_validator(mode="before")
    @classmethod
    def _embedded_without_urls(cls, values: dict[str, object]) -> dict[str, object]:
        given = [name for name in ("database_url", "redis_url") if values.get(name)]
        if len(given) == 1 and not values.get("embedded"):
            raise ValueError(
                "set both PUHUI_DATABASE_URL and PUHUI_REDIS_URL, or neither for the embedded servers"
            )
        values.setdefault("embedded", not given)
        return values

    @property
    def keys_dir(self) -> Path:
        return self.data_dir / "keys"

    @cached_property
    def keys(self) -> Keys:
        """The platform's keys: from `PUHUI_MASTER_KEY`, or in embedded mode from a file made on first use."""
        if self.master_key is not None:
            return Keys(base64.b64decode(self.master_key.get_secret_value(), validate=True))
        if not self.embedded:
            raise ValueError("PUHUI_MASTER_KEY is not set; outside the embedded mode it must be given")
        return Keys(_read_or_make_key(self.keys_dir / "master.key"))

    def with_servers(self, *, database_url: str, owner_database_url: str, redis_url: str) -> Settings:
        """These settings, pointed at running servers."""
        return self.model_copy(
            update={
                "database_url": SecretStr(database_url),
                "owner_database_url": SecretStr(owner_database_url),
                "redis_url": SecretStr(redis_url),
            }
        )


def _read_or_make_key(path: Path) -> bytes:
    """The key in `path`; made once, readable by its owner only, whole or not at all."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # fails when another process was first, whose key then stands
        draft.unlink()
    return base64.b64decode(path.read_bytes())
