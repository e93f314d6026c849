"""The four parts that serve, each as one command line: `puhui up` runs all of them, a container one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.kit.settings import Settings

PARTS = ("web", "worker", "beat", "relay")


def command_lines(
    settings: Settings, *, host: str, port: int, workers: int, tasks: int
) -> dict[str, list[str]]:
    """The arguments of the Python interpreter for each part, by name."""
    celery = ["-m", "celery", "--quiet", "--app", "puhui.worker:app"]
    schedule = settings.data_dir / "beat-schedule"
    return {
        "web": ["-m", "puhui.web", "--host", host, "--port", str(port), "--workers", str(workers)],
        "worker": [
            *celery, "worker", "--loglevel", "INFO", "--concurrency", str(tasks), "--hostname", "puhui@%h",
            "--without-gossip", "--without-mingle",
        ],
        "beat": [
            *celery, "beat", "--loglevel", "WARNING", "--scheduler", "puhui.heartbeat:Scheduler",
            "--schedule", str(schedule), "--pidfile=",
        ],
        "relay": ["-m", "puhui.relay"],
    }  # fmt: skip
