"""pgbench's TPC-B as a reference: 32 clients on two threads, a database of scale 50."""

from __future__ import annotations

import os
import re
import subprocess

from sqlalchemy.engine import make_url

from benchmarks.harness import Bench
from puhui.embedded import postgres

CLIENTS, PROCESSES, SCALE = 32, 2, 50
REFERENCE = f"pgbench TPC-B -s {SCALE} -M prepared -c {CLIENTS} -j {PROCESSES}"


def set_up(bench: Bench) -> None:
    """The tables that pgbench makes for itself."""
    _pgbench(bench, "-i", "-q", "-s", str(SCALE))


def rate(bench: Bench, seconds: float) -> float:
    """Transactions a second, of one run."""
    output = _pgbench(
        bench,
        *("-n", "-M", "prepared"),
        *("-c", str(CLIENTS), "-j", str(PROCESSES), "-T", str(max(1, round(seconds)))),
    )
    found = re.search(r"tps = ([\d.]+)", output)
    if found is None:
        raise RuntimeError("pgbench did not tell its rate")
    return float(found[1])


def _pgbench(bench: Bench, *arguments: str) -> str:
    url = make_url(bench.superuser_url)
    host = url.query.get("host") or url.host or ""
    return subprocess.run(
        [
            str(postgres.program("pgbench")), *arguments,
            "-h", str(host), "-p", str(url.port or 5432), "-U", str(url.username), str(url.database),
        ],
        env={**os.environ, "PGPASSWORD": str(url.password)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout  # fmt: skip
