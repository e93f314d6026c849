"""HTTP without a domain word: how an app is made, and how an endpoint gets its session.

    app = new_app(title="…")            every failure is a problem, every request has a trace id, limits and a log line
    router = Router(prefix="/trips")    routes whose answers can be kept for an idempotency key
    session: WriteSession               one transaction, committed after the answer is built and before it is sent
    session: ReadSession                one transaction that refuses to write

What endpoints need is on `app.state`: `settings`, `db`, `limiter` and, per surface, `authenticate` or `vouch`; `wire` sets
the first three on an app and on every app mounted in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.routing import Mount

from backend.kit import openapi, problems
from backend.kit.access import Authenticate, Vouch
from backend.kit.db import Database
from backend.kit.edge import Edge
from backend.kit.settings import Settings
from backend.kit.short import Handlers

MAX_BODY_BYTES = 1 << 20


class AnswerInstead(Exception):
    """Raised by a dependency that already has the whole answer; the endpoint is not run."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


BeforeCommit = Callable[[Response], Awaitable[None]]


def before_commit(request: Request, step: BeforeCommit) -> None:
    """Run `step` on the finished answer while the request's transaction is still open."""
    assert isinstance(request.scope.get("route"), Route), "make the router with backend.kit.http.Router"
    steps: list[BeforeCommit] = request.scope.setdefault("puhui.before_commit", [])
    steps.append(step)


class Route(APIRoute):
    """A route that knows the moment between the answer being built and its transaction being committed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                response = await handle(request)
            except AnswerInstead as instead:
                return instead.response
            for step in request.scope.get("puhui.before_commit", ()):
                await step(response)
            return response

        return answered


class Router(APIRouter):
    """The router of every noun and surface."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("route_class", Route)
        super().__init__(*args, **kwargs)


def new_app(
    *,
    title: str,
    version: str = "1",
    max_body_bytes: int = MAX_BODY_BYTES,
    body_limits: Mapping[str, int] | None = None,
    **kwargs: Any,
) -> FastAPI:
    """A FastAPI app with our problems, limits, log, metrics and OpenAPI habits. It has no documentation pages.

    `body_limits` are those of addresses that begin in some way, where they differ from `max_body_bytes`.
    """
    app = FastAPI(
        title=title,
        version=version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # they would tell addresses with values in them
        **kwargs,
    )
    app.router.route_class = Route
    app.state.body_limits = dict(body_limits or {})
    app.add_middleware(Edge, max_body_bytes=max_body_bytes, body_limits=app.state.body_limits)
    problems.install(app)
    openapi.install(app)
    return app


def surface(
    *,
    title: str,
    routers: Sequence[APIRouter],
    authenticate: Authenticate | None = None,
    vouch: Vouch | None = None,
    body_limits: Mapping[str, int] | None = None,
    short: Handlers | None = None,
) -> FastAPI:
    """The app of one surface: its routers, each operation named as its function.

    `authenticate` says whose a token is, `vouch` whose a request is that carries none; `short` has requests that go past the
    endpoints' machinery where nothing is in the way (`backend.kit.short`).
    """
    app = new_app(title=title, body_limits=body_limits, generate_unique_id_function=_operation_id)
    app.state.short = dict(short or {})
    app.state.authenticate = authenticate
    app.state.vouch = vouch
    for router in routers:
        app.include_router(router)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def wire(app: FastAPI, *, settings: Settings, db: Database, limiter: Any = None) -> None:
    """Hand the process's settings, database and limiter to `app` and to every app mounted in it."""
    app.state.settings = settings
    app.state.db = db
    app.state.limiter = limiter
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            wire(route.app, settings=settings, db=db, limiter=limiter)


def mount(app: FastAPI, prefix: str, surface: FastAPI) -> None:
    """Put a surface under its address, where its limits on bodies hold, too."""
    app.mount(prefix, surface)
    app.state.body_limits.update({prefix + path: most for path, most in surface.state.body_limits.items()})
    found = {(method, prefix + path): one for (method, path), one in surface.state.short.items()}
    app.state.short = getattr(app.state, "short", {}) | found


def database(request: Request) -> Database:
    """The process's database, as wired."""
    db = request.app.state.db
    assert isinstance(db, Database)
    return db


def settings_of(request: Request) -> Settings:
    """The deployment's settings, as wired."""
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


def written_in(request: Request) -> AsyncSession | None:
    """The transaction in which the request's endpoint changes something, once that was opened."""
    session: AsyncSession | None = request.scope.get("puhui.write")
    return session


async def _write(request: Request) -> AsyncIterator[AsyncSession]:
    async with database(request).transaction() as session:
        request.scope["puhui.write"] = session
        yield session


async def _read(request: Request) -> AsyncIterator[AsyncSession]:
    async with database(request).transaction() as session:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        yield session


WriteSession = Annotated[AsyncSession, Depends(_write, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_read, scope="function")]
AppSettings = Annotated[Settings, Depends(settings_of)]
