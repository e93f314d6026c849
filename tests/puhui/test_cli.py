"""The `puhui` command as its users meet it: a process with arguments, an environment and an exit code."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from puhui import embedded
from puhui.embedded import processes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    data_dir = tmp_path_factory.mktemp("cli") / "data"
    yield data_dir
    embedded.stop(data_dir)


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PUHUI_", "PG"))}
    return {**clean, "PUHUI_DATA_DIR": str(data_dir), "COLUMNS": "200", **more}


def puhui(data_dir: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "puhui", *arguments],
        env=environment(data_dir, **more), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_help_speaks_chinese_and_english(tmp_path: Path) -> None:
    done = puhui(tmp_path / "data", "--help")
    assert done.returncode == 0
    assert "碳普惠平台" in done.stdout
    assert "carbon inclusion platform" in done.stdout
    assert "serve until stopped" in done.stdout
    assert not (tmp_path / "data").exists()


def test_a_terminal_without_chinese_gets_the_english_and_no_crash(tmp_path: Path) -> None:
    done = puhui(tmp_path / "data", "--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "carbon inclusion platform" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change its account")
def test_doctor_says_when_root_may_not_become_another_account(tmp_path: Path) -> None:
    without_setuid = (
        "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 7, 0, 0, 0); "  # PR_CAPBSET_DROP, CAP_SETUID
        "os.execv(sys.executable, [sys.executable, '-m', 'puhui', 'doctor'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", without_setuid],
        env=environment(tmp_path / "data"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "PostgreSQL does not run as root" in done.stdout
    assert "请改用普通用户运行" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    assert puhui(tmp_path / "data", "sing").returncode == 2


def test_psql_opens_the_database_as_either_role(folder: Path) -> None:
    asked = puhui(folder, "psql", "-At", "-c", "SELECT current_user, current_database()")
    assert (asked.returncode, asked.stdout) == (0, "puhui_app|puhui\n"), asked.stderr
    owner = puhui(folder, "psql", "--owner", "-Atc", "SELECT current_user")
    assert (owner.returncode, owner.stdout) == (0, "puhui_owner\n"), owner.stderr


def test_psql_answers_with_psqls_own_exit_code(folder: Path) -> None:
    done = puhui(folder, "psql", "-v", "ON_ERROR_STOP=1", "-c", "SELECT nonsense")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_stray_pg_variable_does_not_redirect_psql(folder: Path) -> None:
    done = puhui(folder, "psql", "-Atc", "SELECT 1", PGHOST="/nowhere", PGPORT="1", PGUSER="nobody")
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_migrating_twice_is_harmless(folder: Path) -> None:
    assert puhui(folder, "migrate").returncode == 0
    again = puhui(folder, "migrate")
    assert again.returncode == 0
    assert "already up to date" in again.stdout


def test_status_tells_the_truth_with_its_exit_code(folder: Path) -> None:
    before = puhui(folder, "status", "--json")
    assert before.returncode == 1
    assert json.loads(before.stdout)["postgres"] is False
    with embedded.servers(folder):
        during = puhui(folder, "status", "--json")
        assert during.returncode == 0
        facts = json.loads(during.stdout)
        assert (facts["postgres"], facts["valkey"], facts["in_use"]) == (True, True, True)


def test_stop_refuses_while_a_command_uses_the_servers(folder: Path) -> None:
    with embedded.servers(folder):
        refused = puhui(folder, "stop")
        assert refused.returncode == 5
        assert "puhui.servers_in_use" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert embedded.status(folder).postgres
        assert puhui(folder, "stop", "--force").returncode == 0
        assert not embedded.status(folder).postgres


def test_doctor_finds_a_sound_installation_sound(folder: Path) -> None:
    done = puhui(folder, "doctor", "--json")
    answer = json.loads(done.stdout)
    assert answer["ok"], [check for check in answer["checks"] if not check["ok"]]
    assert done.returncode == 0
    assert {"postgres_version", "roles", "durability", "redis"} <= {
        check["name"] for check in answer["checks"]
    }


def test_doctor_names_a_misspelt_setting(folder: Path) -> None:
    done = puhui(folder, "doctor", PUHUI_DATABSE_URL="postgresql://x")
    assert done.returncode == 1
    assert "PUHUI_DATABSE_URL" in done.stdout


def test_settings_that_do_not_fit_are_refused_without_quoting_a_secret(tmp_path: Path) -> None:
    for command in ("status", "doctor", "migrate"):
        done = puhui(tmp_path, command, PUHUI_DATABASE_URL="postgresql://u:hunter2@nowhere/x")
        assert done.returncode in {1, 2}
        assert "PUHUI_REDIS_URL" in done.stdout + done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_given_servers_that_do_not_answer_are_reported_not_raised(tmp_path: Path) -> None:
    given = {
        "PUHUI_DATABASE_URL": f"postgresql+asyncpg://u:hunter2@/x?host={tmp_path}",
        "PUHUI_REDIS_URL": f"unix://{tmp_path}/none.sock?password=hunter2",
    }
    status = puhui(tmp_path, "status", "--json", **given)
    assert (status.returncode, json.loads(status.stdout)) == (1, {"postgres": False, "valkey": False})
    doctor = puhui(tmp_path, "doctor", **given)
    assert doctor.returncode == 1
    for done in (status, doctor, puhui(tmp_path, "migrate", **given), puhui(tmp_path, "up", **given)):
        assert done.returncode != 0
        assert "hunter2" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = puhui(tmp_path / "file" / "data", "migrate")
    assert done.returncode == 7
    assert "embedded.data_folder_unusable" in done.stderr
    assert "PUHUI_DATA_DIR" in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_up_serves_and_stops_everything_it_started(folder: Path, sent: signal.Signals) -> None:
    with running_up(folder) as (command, port):
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["status"] == "ok"
        parts = parts_of(command)
        assert len(parts) >= 4, "web, worker, beat and relay"
        command.send_signal(sent)
        command.wait(timeout=60)
        assert "Traceback" not in (folder.parent / "up.log").read_text()
        assert processes.wait_gone(parts, timeout_s=0) == []
    after = embedded.status(folder)
    assert (after.postgres_pid, after.valkey_pid, after.users) == (None, None, False)


def test_when_up_is_killed_its_parts_end_and_its_servers_serve_the_next_command(folder: Path) -> None:
    with running_up(folder) as (command, _):
        parts = parts_of(command)
        command.kill()
        command.wait()
        assert processes.wait_gone(parts, timeout_s=30) == []
    assert embedded.status(folder).postgres
    assert not embedded.status(folder).users
    assert puhui(folder, "psql", "-Atc", "SELECT 1").stdout == "1\n"
    assert embedded.status(folder).postgres_pid is None


def test_up_ends_with_all_its_parts_when_one_part_ends(folder: Path) -> None:
    with running_up(folder) as (command, port):
        parts = parts_of(command)
        web = next(part for part in parts if "puhui.web" in part.cmdline())
        web.kill()
        assert command.wait(timeout=60) == 7
        said = (folder.parent / "up.log").read_text()
        assert "puhui.part_ended" in said
        assert processes.wait_gone(parts, timeout_s=0) == []
    assert port
    assert embedded.status(folder).postgres_pid is None


def parts_of(command: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes that `up` started itself, and theirs; not the servers, which belong to nobody."""
    found = psutil.Process(command.pid).children(recursive=True)
    return [process for process in found if process.name() not in {"postgres", "valkey-server"}]


def _hears_interrupts() -> None:
    """Ctrl-C is ignored by what a shell started in the background, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def running_up(data_dir: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`puhui up` on a free port, from the moment it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (data_dir.parent / "up.log").open("wb") as log:
        command = subprocess.Popen(
            [sys.executable, "-m", "puhui", "up", "--port", str(port)],
            env=environment(data_dir), stdout=log, stderr=log,
            preexec_fn=_hears_interrupts,  # noqa: PLW1509 - no other thread runs here
        )  # fmt: skip
        try:
            for _ in range(600):
                assert command.poll() is None, (data_dir.parent / "up.log").read_text()
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                        break
                time.sleep(0.1)
            else:
                pytest.fail("it never answered: " + (data_dir.parent / "up.log").read_text())
            yield command, port
        finally:
            command.kill()
            command.wait()
