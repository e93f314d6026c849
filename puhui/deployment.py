"""The secrets of `docker-compose.yml`: made once, each file for the containers that need it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from backend.kit.errors import DomainError, Kind
from backend.kit.keys import encoded, new_key

FILES = ("postgres.env", "redis.env", "owner.env", "platform.env")


@dataclass(eq=False)
class SecretsExist(DomainError):
    """The folder holds secrets already; with others nobody would reach what they guard."""

    code = "puhui.secrets_exist"
    kind = Kind.CONFLICT
    title_zh = "该目录已有密钥；换成新的将无法打开原有数据。"

    file: Path


def settings() -> dict[str, dict[str, str]]:
    """Fresh secrets: the variables of each file."""
    superuser, owner, application, broker = (secrets.token_hex(24) for _ in range(4))
    database = "postgres:5432/puhui"
    return {
        "postgres.env": {
            "POSTGRES_PASSWORD": superuser,
            "OWNER_PASSWORD": owner,
            "APPLICATION_PASSWORD": application,
        },
        "redis.env": {"REDISCLI_AUTH": broker},
        "owner.env": {"PUHUI_OWNER_DATABASE_URL": f"postgresql://puhui_owner:{owner}@{database}"},
        "platform.env": {
            "PUHUI_DATABASE_URL": f"postgresql://puhui_app:{application}@{database}",
            "PUHUI_REDIS_URL": f"redis://:{broker}@redis:6379/0",
            "PUHUI_MASTER_KEY": encoded(new_key()),
        },
    }


def write(folder: Path) -> list[Path]:
    """Write the files; their paths. Raises SecretsExist and then writes none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = {name: folder / name for name in FILES}
    for path in paths.values():
        if path.exists():
            raise SecretsExist(file=path)
    for name, values in settings().items():
        descriptor = os.open(paths[name], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("".join(f"{variable}={value}\n" for variable, value in values.items()))
    return list(paths.values())
