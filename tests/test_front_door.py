"""The two commands that a newcomer types, and the locks they build from."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-uv.lock", "requirements-run.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_with_hashes_and_without_an_address(lock: str) -> None:
    text = (PROJECT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    assert "://" not in text
    assert "--index" not in text


def test_every_dependency_that_the_project_names_is_locked() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = set(
        re.findall(r"^([a-z0-9._-]+)==", (PROJECT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    )
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert {re.split(r"[\[<>=~; ]", name)[0].lower() for name in named} <= locked


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed here")
def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^make (\w+)", done.stdout, re.MULTILINE)) >= {
        "demo", "test", "up", "bench", "lint", "audit", "help",
    }  # fmt: skip


@pytest.mark.parametrize("version", ["3.9.1", "none"])
def test_a_machine_without_a_fitting_python_is_told_so_in_two_languages(tmp_path: Path, version: str) -> None:
    shutil.copy(PROJECT / "bootstrap", tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "dirname", "sed", "rm"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        if version != "none":
            (tools / name).write_text("#!/bin/sh\nexit 1\n")
            (tools / name).chmod(0o755)
    done = subprocess.run(
        [tmp_path / "bootstrap"], env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "需要 Python 3.11" in done.stderr
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / ".venv").exists()
