"""`puhui up`: the servers, the web application, the workers and the relay, until stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from backend.kit.errors import DomainError, Kind

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
    from puhui import console, parts, runtime

    with runtime.platform() as settings:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = parts.command_lines(settings, host=host, port=port, workers=workers, tasks=tasks)
        children = _start(lines, runtime.child_environment(settings))
        console.err.print(f"碳普惠平台 · Puhui  http://{host}:{port}  (Ctrl-C 停止 · stops)")
        try:
            _attend(children)
        except KeyboardInterrupt:
            console.err.print("正在停止 · stopping")
        finally:
            _stop(children)


def _start(lines: Mapping[str, list[str]], environment: dict[str, str]) -> dict[str, subprocess.Popen[bytes]]:
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
        for name, arguments in lines.items()
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
