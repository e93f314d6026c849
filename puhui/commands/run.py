"""`puhui run PART` and `puhui health PART`: one part of the platform on given servers, as a container runs it."""

from __future__ import annotations

import enum
import http.client
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from backend.kit.errors import DomainError, Kind

if TYPE_CHECKING:
    from backend.kit.settings import Settings

PATIENCE_S = 5
OLDEST_S = {
    "beat": 60.0,
    "relay": 30.0,
}  # the beat rings for the pulse every 15 s, the relay looks twice a second


class Part(enum.StrEnum):
    WEB = "web"
    WORKER = "worker"
    BEAT = "beat"
    RELAY = "relay"


@dataclass(eq=False)
class ServersNotGiven(DomainError):
    """A single part needs PUHUI_DATABASE_URL and PUHUI_REDIS_URL; `puhui up` runs all parts on the embedded servers."""

    code = "puhui.servers_not_given"
    kind = Kind.INVALID
    title_zh = "单独运行一个部分需要 PUHUI_DATABASE_URL 和 PUHUI_REDIS_URL；内置服务器请用 `puhui up`。"


@dataclass(eq=False)
class NotHealthy(DomainError):
    """The part does not answer as it should."""

    code = "puhui.not_healthy"
    kind = Kind.UNAVAILABLE
    title_zh = "该部分没有正常应答。"

    part: str
    reason: str


def register(app: typer.Typer) -> None:
    app.command(help="运行一个部分 · run one part on given servers")(run)
    app.command(help="探测一个部分 · ask whether a part works")(health)


def run(
    part: Annotated[Part, typer.Argument(help="web | worker | beat | relay")],
    *,
    host: Annotated[str, typer.Option(help="监听地址 · web: address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口 · web: port")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Web 进程数 · web: processes")] = 1,
    tasks: Annotated[int, typer.Option(min=1, help="任务进程数 · worker: processes")] = 2,
) -> None:
    """Become that part, with the same process id, until SIGTERM. The schema must be the newest."""
    from puhui import parts, runtime

    settings = runtime.load_settings()
    if settings.database_url is None or settings.redis_url is None:
        raise ServersNotGiven
    runtime.require_schema(settings)
    runtime.require_root(settings)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = parts.command_lines(settings, host=host, port=port, workers=workers, tasks=tasks)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *lines[part]])  # noqa: S606 - our own command line


def health(
    part: Annotated[Part, typer.Argument(help="web | worker | beat | relay")],
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口 · web: its port")] = 8000,
) -> None:
    """Ask the part itself: exit 0 when it works, else say why not.

    web: `/readyz`, which asks PostgreSQL and Redis; worker: a ping over the broker; beat: when the broker last took a
    task from it; relay: when it last went through the outbox.
    """
    from puhui import console, runtime

    settings = runtime.load_settings()
    match part:
        case Part.WEB:
            _ask_web(port)
        case Part.WORKER:
            with runtime.servers_if_running(settings) as ready:
                _ask_worker(ready)
        case Part.BEAT | Part.RELAY:
            _ask_file(settings, part)
    console.out.print("正常 · healthy")


def _ask_web(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise NotHealthy(part="web", reason=f"/readyz {answer.status}")
    except (OSError, http.client.HTTPException) as error:
        raise NotHealthy(part="web", reason=type(error).__name__) from error
    finally:
        connection.close()


def _ask_worker(settings: Settings | None) -> None:
    from celery import Celery
    from celery.utils.nodenames import gethostname, nodename
    from kombu.exceptions import KombuError

    from backend.kit.tasks import broker_url

    if settings is None or settings.redis_url is None:
        raise NotHealthy(part="worker", reason="no broker")
    name = nodename("puhui", gethostname())
    app = Celery("puhui", broker=broker_url(settings.redis_url.get_secret_value()))
    app.conf.update(
        broker_connection_retry=False,
        broker_transport_options={"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S},
    )
    try:
        answers = app.control.inspect(destination=[name], timeout=PATIENCE_S, limit=1).ping() or {}
    except (OSError, KombuError) as error:
        raise NotHealthy(part="worker", reason=type(error).__name__) from error
    finally:
        app.close()
    if answers.get(name) != {"ok": "pong"}:
        raise NotHealthy(part="worker", reason="no answer")


def _ask_file(settings: Settings, part: Part) -> None:
    from puhui import heartbeat

    age = heartbeat.age_s(settings, part)
    if age is None or age > OLDEST_S[part]:
        raise NotHealthy(part=part, reason="no sign of life" if age is None else f"last seen {age:.0f} s ago")
