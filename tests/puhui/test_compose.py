"""docker-compose.yml and the Dockerfile: valid by the compose specification, by our rules, and by running their commands.

No Docker engine is asked: the schema is the compose specification's own, as `check-jsonschema` ships it, and each
service's command and health check is run as it stands, on servers given by URL.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import jsonschema
import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema
from ruamel.yaml import YAML

from backend.kit.db import connect_arguments
from puhui import deployment, embedded
from puhui.embedded import postgres, valkey

PROJECT = Path(__file__).parents[2]
OURS = ("migrate", "web", "worker", "beat", "relay")


def compose() -> dict[str, Any]:
    """The file as Docker reads it: anchors and merges resolved, plain values."""
    loaded = YAML(typ="safe", pure=True).load((PROJECT / "docker-compose.yml").read_text("utf-8"))
    plain: dict[str, Any] = json.loads(json.dumps(loaded))
    return plain


SERVICES: dict[str, dict[str, Any]] = compose()["services"]


# --- the files ----------------------------------------------------------------------------------------------------


def test_the_file_is_valid_by_the_compose_specification() -> None:
    jsonschema.validate(compose(), get_builtin_schema("vendor.compose-spec"))


def test_the_schema_would_refuse_a_mistake() -> None:
    wrong = compose()
    wrong["services"]["web"]["healthchek"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, get_builtin_schema("vendor.compose-spec"))


def test_every_part_is_there_once_with_a_health_check_that_asks_it() -> None:
    assert set(SERVICES) == {"postgres", "redis", *OURS}
    assert SERVICES["postgres"]["image"].startswith("postgres:18")
    for name, service in SERVICES.items():
        if name == "migrate":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped"
        check = service["healthcheck"]
        assert set(check) >= {"test", "interval", "timeout", "retries", "start_period"}
        asked = " ".join(check["test"])
        assert {"postgres": "SELECT 1", "redis": "ping"}.get(name, f"puhui health {name}") in asked
        assert "curl" not in asked
        assert "stop_grace_period" in service or name == "redis"


def test_nothing_starts_before_what_it_needs() -> None:
    for name in ("web", "worker", "beat", "relay"):
        needs = {one: how["condition"] for one, how in SERVICES[name]["depends_on"].items()}
        assert needs == {
            "migrate": "service_completed_successfully", "postgres": "service_healthy", "redis": "service_healthy",
        }  # fmt: skip
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_every_container_is_confined() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service, name
        assert service.get("user", "puhui") not in {"root", "0"}, name
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), name
    assert SERVICES["postgres"]["user"] == "postgres"
    assert SERVICES["redis"]["user"] == "redis"
    dockerfile = (PROJECT / "Dockerfile").read_text("utf-8")
    assert re.search(r"^USER puhui$", dockerfile, re.MULTILINE)


def test_what_must_last_lies_in_named_volumes_and_redis_keeps_all_it_takes() -> None:
    named = compose()["volumes"]
    assert set(named) == {"database", "broker", "state", "uploads"}
    assert "database:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]
    assert "broker:/data" in SERVICES["redis"]["volumes"]
    for part in ("web", "worker"):  # what one receives the other reads
        assert "uploads:/var/lib/puhui/uploads" in SERVICES[part]["volumes"]
    command = shlex.split(SERVICES["redis"]["command"][2].rpartition(";")[2])
    options = dict(zip(command[3::2], command[4::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_no_secret_is_written_down_and_each_container_gets_only_its_own() -> None:
    text = (PROJECT / "docker-compose.yml").read_text("utf-8")
    assert not re.search(
        r"(?i)(password|secret|key)\w*[:=]\s*[^\s{\"$]", re.sub(r"#.*|deploy/secrets", "", text)
    )
    files = {name: [Path(file).name for file in service["env_file"]] for name, service in SERVICES.items()}
    assert files == {
        "postgres": ["postgres.env"], "redis": ["redis.env"], "migrate": ["platform.env", "owner.env"],
        **{part: ["platform.env"] for part in OURS[1:]},
    }  # fmt: skip
    assert {name for names in files.values() for name in names} == set(deployment.FILES)
    assert "deploy/secrets/" in (PROJECT / ".gitignore").read_text("utf-8").splitlines()
    assert (PROJECT / ".dockerignore").read_text("utf-8").splitlines()[0] == "*"


def test_the_image_holds_only_what_is_locked_by_hash_and_names_no_index() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text("utf-8")
    assert "--require-hashes -r requirements-run.lock" in dockerfile
    assert "://" not in dockerfile
    assert "--index" not in dockerfile
    for source in re.findall(r"^COPY ([^-].*) \S+$", dockerfile, re.MULTILINE):
        for name in source.split():
            assert (PROJECT / name).exists(), name
            assert f"!{name}" in (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= set(re.findall(r"^COPY (\w+) ", dockerfile, re.MULTILINE))


def entries(lock: str) -> dict[str, str]:
    found = re.split(r"\n(?=[a-z0-9])", (PROJECT / lock).read_text("utf-8").strip())
    return {entry.split("==")[0]: entry for entry in found}


def test_the_lock_of_the_image_is_a_part_of_the_lock() -> None:
    run, whole = entries("requirements-run.lock"), entries("requirements.lock")
    assert {name: whole.get(name) for name in run} == run
    assert "pytest" not in run
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {re.split(r"[\[<>=~; ]", name)[0].lower() for name in project["dependencies"]} <= set(run)


# --- the commands -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Two given servers as the compose file sets them up: the database by the init script, the broker by its command."""
    folder = tmp_path_factory.mktemp("given")
    data = embedded.servers(folder / "data")
    with data as running:
        asyncio.run(_without_roles(running))
        made = deployment.settings()
        init = dict(made["postgres.env"])
        where = connect_arguments(running.superuser_url)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
        path = f"{postgres.programs()}:{clean['PATH']}"
        subprocess.run(
            [str(PROJECT / "deploy" / "postgres-init.sh")],
            env={**clean, **init, "PATH": path, "PGHOST": where["host"], "PGPASSWORD": where["password"]},
            check=True,
        )
        redis_password = made["redis.env"]["REDISCLI_AUTH"]
        with _redis(folder, redis_password) as port:
            platform = {
                "PUHUI_DATABASE_URL": _url("puhui_app", init["APPLICATION_PASSWORD"], where["host"]),
                "PUHUI_REDIS_URL": f"redis://:{redis_password}@127.0.0.1:{port}/0",
                "PUHUI_MASTER_KEY": made["platform.env"]["PUHUI_MASTER_KEY"],
                "PUHUI_DATA_DIR": str(folder / "state"),
            }
            venv = str(Path(sys.executable).parent)
            yield {
                **clean, **platform, "PATH": f"{venv}:{clean['PATH']}",
                "OWNER_URL": _url("puhui_owner", init["OWNER_PASSWORD"], where["host"]),
            }  # fmt: skip


def _url(role: str, password: str, folder: str) -> str:
    return f"postgresql://{role}:{password}@/puhui?host={folder}"


async def _without_roles(running: embedded.Servers) -> None:
    """As the image starts: one superuser and nothing of ours."""
    server = await asyncpg.connect(**{**connect_arguments(running.superuser_url), "database": "postgres"})
    await server.execute("DROP DATABASE puhui WITH (FORCE)")
    await server.execute("DROP ROLE puhui_owner")
    await server.execute("DROP ROLE puhui_app")
    await server.close()


@contextmanager
def _redis(folder: Path, password: str) -> Iterator[int]:
    """The broker, started by the compose file's own command with the program's name and the folder changed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "broker").mkdir()
    command = SERVICES["redis"]["command"][2].replace("$$", "$")
    changed = {
        "/tmp/redis.conf": f"{folder}/redis.conf",  # noqa: S108 - the container's
        "exec redis-server": f"exec {valkey.program()}",
        "--dir /data": f"--dir {folder / 'broker'}",
    }
    for container, here in changed.items():
        assert container in command
        command = command.replace(container, here)
    child = subprocess.Popen(
        ["sh", "-c", f"{command} --port {port} --bind 127.0.0.1"],
        env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": password}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield port
    finally:
        child.terminate()
        assert child.wait(timeout=20) == 0  # the shell became the server, and a stop reaches it
        assert (folder / "broker" / "appendonlydir").exists()


def run(environment: dict[str, str], command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def too_early(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What a part says before the one-shot service, whichever test runs first."""
    return run(environment, SERVICES["relay"]["command"])


@pytest.fixture(scope="module")
def migrated(environment: dict[str, str], too_early: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """After the one-shot service; twice, for a restart of the stack runs it again."""
    assert too_early.returncode != 0
    for _ in range(2):
        done = run(
            {**environment, "PUHUI_OWNER_DATABASE_URL": environment["OWNER_URL"]},
            SERVICES["migrate"]["command"],
        )
        assert done.returncode == 0, done.stderr
    return environment


def test_a_part_does_not_start_on_a_schema_that_is_not_there(
    too_early: subprocess.CompletedProcess[str],
) -> None:
    assert too_early.returncode != 0
    assert "puhui.schema_outdated" in too_early.stderr


@pytest.mark.parametrize("part", ["web", "worker", "beat", "relay"])
def test_each_command_runs_passes_its_health_check_and_stops_when_asked(
    migrated: dict[str, str], part: str, tmp_path: Path
) -> None:
    service = SERVICES[part]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command, check = (
        [port if word == "8000" else "127.0.0.1" if word == "0.0.0.0" else word for word in words]  # noqa: S104
        for words in (service["command"], service["healthcheck"]["test"][1:])
    )
    environment = {**migrated, "PUHUI_DATA_DIR": str(tmp_path / "state")}
    if "PROMETHEUS_MULTIPROC_DIR" in service.get("environment", {}):
        (tmp_path / "metrics").mkdir()
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path / "metrics")
    assert run(environment, check).returncode != 0  # nobody is there yet
    with (tmp_path / "output").open("wb") as output:
        child = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, cwd=tmp_path, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 150
        while (asked := run(environment, check)).returncode != 0 and time.monotonic() < deadline:
            assert child.poll() is None, (tmp_path / "output").read_text()
            time.sleep(0.3)
        assert asked.returncode == 0, asked.stderr + (tmp_path / "output").read_text()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=40) in {0, -signal.SIGTERM}, (tmp_path / "output").read_text()
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if part in {"web", "worker"}:
        assert run(environment, check).returncode != 0
    else:
        old = time.time() - 3600
        os.utime(tmp_path / "state" / "health" / part, (old, old))
        assert run(environment, check).returncode != 0


# --- the secrets --------------------------------------------------------------------------------------------------


def test_the_secrets_are_written_once_for_their_owner_only_and_fit_together(tmp_path: Path) -> None:
    puhui = shutil.which("puhui", path=str(Path(sys.executable).parent))
    assert puhui
    folder = tmp_path / "secrets"
    done = run(dict(os.environ), [puhui, "keys", "deployment", str(folder)])
    assert done.returncode == 0, done.stderr
    written = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert set(written) == set(deployment.FILES)
    assert all((folder / name).stat().st_mode & 0o077 == 0 for name in written)
    values = dict(line.split("=", 1) for text in written.values() for line in text.splitlines())
    assert values["APPLICATION_PASSWORD"] in values["PUHUI_DATABASE_URL"]
    assert values["OWNER_PASSWORD"] in values["PUHUI_OWNER_DATABASE_URL"]
    assert values["REDISCLI_AUTH"] in values["PUHUI_REDIS_URL"]
    again = run(dict(os.environ), [puhui, "keys", "deployment", str(folder)])
    assert again.returncode != 0
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == written
