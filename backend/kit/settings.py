"""Settings from the environment (`PUHUI_…`), and the keys that the platform signs and hides with."""

from __future__ import annotations

import os
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.kit.keys import KeyFiles, Keys, Ring, decoded

__all__ = ["Keys", "Settings", "default_data_dir"]


def default_data_dir() -> Path:
    """The folder of this user's data: `$XDG_DATA_HOME/puhui`, else `~/.local/share/puhui`."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "puhui"


class Settings(BaseSettings):
    """What a deployment decides. With neither URL set, the embedded servers are used."""

    model_config = SettingsConfigDict(env_prefix="PUHUI_", extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: SecretStr | None = None  # the application's role
    owner_database_url: SecretStr | None = None  # the role that owns the tables; migrations only
    redis_url: SecretStr | None = None
    master_key: SecretStr | None = None  # base64, at least 32 bytes; embedded mode keeps its own in a file
    other_master_keys: SecretStr | None = None  # separated by commas: masters before or after the present one
    root_key: SecretStr | None = None  # the first master key, once there is another
    log_origin: str = "puhui.local/log"  # names this deployment's public log in every signed tree head
    issuer: str = "puhui.local"
    pool_size: int = 10
    hot_pool_size: int = 16
    statement_cache: bool = True  # off behind a transaction-mode pooler
    language: Literal["zh", "en"] = "zh"
    trusted_proxies: str = ""  # networks separated by commas, whose X-Forwarded-For is believed
    rate_limit_factor: int = Field(default=1, ge=1)  # multiplies every quota
    webhook_networks: str = (
        ""  # networks separated by commas that webhooks may reach though not public; for trials
    )
    wechat_app_id: str = ""  # the mini-program that citizens sign in from; without it that door is closed
    wechat_secret: SecretStr | None = None
    wechat_address: str = "https://api.weixin.qq.com"
    alipay_app_id: str = ""
    alipay_key_file: Path | None = None  # our RSA key (PEM, PKCS#8), of which Alipay has the public half
    alipay_public_key_file: Path | None = (
        None  # Alipay's own public key (PEM), by which its answers are verified
    )
    alipay_address: str = "https://openapi.alipay.com/gateway.do"
    real_names_provider: str = Field(default="real-names", pattern="^[a-z0-9][a-z0-9-]{0,62}$")
    real_names_address: str = ""  # of the relay that says who a person is; without it only staff prove that
    real_names_secret: SecretStr | None = None
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

    @field_validator("trusted_proxies", "webhook_networks")
    @classmethod
    def _networks(cls, written: str) -> str:
        for one in filter(None, map(str.strip, written.split(","))):
            ip_network(one)  # ValueError when it is none
        return written

    @property
    def keys_dir(self) -> Path:
        return self.data_dir / "keys"

    @cached_property
    def keys(self) -> Keys:
        """The platform's keys."""
        return self.ring.keys()

    @property
    def ring(self) -> Ring:
        """The secrets: from `PUHUI_MASTER_KEY`, or in embedded mode from files made on first use."""
        if self.master_key is not None:
            master = decoded(self.master_key.get_secret_value())
            others = self.other_master_keys.get_secret_value().split(",") if self.other_master_keys else []
            root = decoded(self.root_key.get_secret_value()) if self.root_key else master
            return Ring(root, master, tuple(decoded(key) for key in others if key.strip()))
        if not self.embedded:
            raise ValueError("PUHUI_MASTER_KEY is not set; outside the embedded mode it must be given")
        return KeyFiles(self.keys_dir).read()

    def with_servers(self, *, database_url: str, owner_database_url: str, redis_url: str) -> Settings:
        """These settings, pointed at running servers."""
        return self.model_copy(
            update={
                "database_url": SecretStr(database_url),
                "owner_database_url": SecretStr(owner_database_url),
                "redis_url": SecretStr(redis_url),
            }
        )
