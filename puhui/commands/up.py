"""`puhui up`: the servers, the web application, the workers and the relay, until stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.kit.errors import DomainError, Kind

if TYPE_CHECKING:
    from backend.kit.settings import Settings

PATIENCE_S = 30  # for a child to finish what it has in hand


@dataclass(eq=False)
class PartEnded(DomainError):
    """A part of the platform ended by itself, so all were stopped; its output is above."""

    code = "puhui.part_ended"
    kind = Kind.UNAVAILABLE
    title_zh = "平台的一个部分自行退出，其余已一并停止；原因见上方输出。"

    part: str
    exit_code: int


def register(app: typer.Typer) -> None:
    app.command(help="运行平台直到停止 · serve until stopped")(up)


def up(
    *,
    host: Annotated[str, typer.Option(help="监听地址 · address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口 · port")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Web 进程数 · web processes")] = 1,
    tasks: Annotated[int, typer.Option(min=1, help="任务进程数 · task processes")] = 2,
) -> None:
    """Start everything and stay; Ctrl-C or SIGTERM stops all parts together, then the embedded servers."""
    from puhui import console, runtime

    with runtime.platform() as settings:
        parts = _parts(settings, host=host, port=port, workers=workers, tasks=tasks)
        children = _start(parts, runtime.child_environment(settings))
        console.err.print(f"碳普惠平台 · Puhui  http://{host}:{port}  (Ctrl-C 停止 · stops)")
        try:
            _attend(children)
        except KeyboardInterrupt:
            console.err.print("正在停止 · stopping")
        finally:
            _stop(children)


def _parts(settings: Settings, *, host: str, port: int, workers: int, tasks: int) -> dict[str, list[str]]:
    """The command line of each part, by name."""
    celery = ["-m", "celery", "--quiet", "--app", "puhui.worker:app"]
    schedule = settings.data_dir / "beat-schedule"
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "web": [
            "-m", "uvicorn", "puhui.app:create_app", "--factory", "--host", host, "--port", str(port),
            "--workers", str(workers), "--no-access-log", "--log-level", "warning",
        ],
        "worker": [
            *celery, "worker", "--loglevel", "INFO", "--concurrency", str(tasks), "--hostname", "puhui@%h",
            "--without-gossip", "--without-mingle",
        ],
        "beat": [*celery, "beat", "--loglevel", "WARNING", "--schedule", str(schedule), "--pidfile="],
        "relay": ["-m", "puhui.relay"],
    }  # fmt: skip


def _start(parts: Mapping[str, list[str]], environment: dict[str, str]) -> dict[str, subprocess.Popen[bytes]]:
    """Start each part in a session of its own (Ctrl-C reaches us alone) that ends with this process."""
    import os

    guard = str(Path(__file__).parents[1] / "guard.py")
    return {
        name: subprocess.Popen(
            [sys.executable, "-I", "-S", guard, str(os.getpid()), sys.executable, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        for name, arguments in parts.items()
    }


def _attend(children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Wait until a part ends by itself, which it never should. Raises PartEnded."""
    while True:
        for name, child in children.items():
            code = child.poll()
            if code is not None:
                raise PartEnded(part=name, exit_code=code)
        time.sleep(0.2)


def _stop(children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Ask every part to finish; end those that do not."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for child in children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + PATIENCE_S
        for child in children.values():
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
