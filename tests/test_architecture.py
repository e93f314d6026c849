"""The contracts on import directions hold, and a wrong import really breaks the build."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ROOTS = (
    "puhui",
    "mobile_api",
    "operator_api",
    "verifier_api",
    "partner_api",
    "merchant",
    "offset_bridge",
    "backend",
    "simulation",
)


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [command, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, with both compliance tiers present so that their independence is tried too."""
    copy = tmp_path_factory.mktemp("architecture")
    only_code = shutil.ignore_patterns("__pycache__", "*.sql", "*.toml")
    for root in ROOTS:
        if (PROJECT / root).is_dir():
            shutil.copytree(PROJECT / root, copy / root, ignore=only_code)
        else:
            (copy / root).mkdir()
            (copy / root / "__init__.py").touch()
    (copy / "tests").mkdir()
    (copy / "tests" / "__init__.py").touch()
    shutil.copy(PROJECT / "tests" / "private_modules.py", copy / "tests")
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    listed = ", ".join(f'"{root}"' for root in ROOTS)
    before = next(line for line in text.splitlines() if line.startswith("root_packages"))
    (copy / "pyproject.toml").write_text(
        text.replace(before, f"root_packages = [{listed}]"), encoding="utf-8"
    )
    return copy


def test_every_import_goes_in_an_allowed_direction(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "wrong_import", "contract"),
    [
        ("backend/kit/wrong.py", "import backend.ledger", "Inside the core"),
        ("backend/log/wrong.py", "import puhui.cli", "The front door"),
        ("backend/log/wrong.py", "import mobile_api", "The front door"),
        ("operator_api/wrong.py", "import mobile_api", "The front door"),
        ("merchant/wrong.py", "import offset_bridge", "The front door"),
        ("offset_bridge/wrong.py", "import merchant", "The front door"),
        ("backend/ledger/wrong.py", "from fastapi import APIRouter", "The ledger, packs and methodologies"),
        ("backend/packs/wrong.py", "from celery import shared_task", "The ledger, packs and methodologies"),
        ("mobile_api/wrong.py", "from backend.ledger import queries", "Tables and queries"),
        ("simulation/wrong.py", "import backend.kit", "The front door"),
        ("backend/intake/wrong.py", "import simulation", "The front door"),
        ("backend/footprint/wrong.py", "import backend.intake", "Inside the core"),
        ("backend/intake/wrong.py", "import backend.footprint", "Inside the core"),
        ("backend/newcomer.py", "import backend.kit", "Inside the core"),
        ("merchant/catalogue/wrong.py", "import merchant.redemption", "Among the merchants' nouns"),
        ("merchant/redemption/wrong.py", "import merchant.settlement", "Among the merchants' nouns"),
        ("merchant/coupons/wrong.py", "import merchant.vouchers", "Among the merchants' nouns"),
    ],
)
def test_a_wrong_import_breaks_the_build(copy: Path, file: str, wrong_import: str, contract: str) -> None:
    place = copy / file
    place.write_text(f"{wrong_import}\n", encoding="utf-8")
    try:
        done = lint(copy)
    finally:
        place.unlink()
    assert done.returncode != 0, f"{wrong_import} in {file} passed"
    said = " ".join(done.stdout.split())  # the report wraps its lines
    assert re.search(re.escape(contract) + r"((?!KEPT).)*? BROKEN", said), said
