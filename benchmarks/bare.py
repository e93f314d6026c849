"""A bare app that reads one row by its key: what a select costs behind the same server and framework, and nothing else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

import asyncpg
from fastapi import FastAPI

from backend.kit.db import connect_arguments
from puhui import web

URL = "PUHUI_BENCH_READ_URL"


def create_app() -> FastAPI:
    """The reference: what a select by primary key costs behind this server and this framework."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            **connect_arguments(os.environ[URL]), min_size=16, max_size=16
        ) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/wallet/{account_id}")
    async def wallet(account_id: int) -> dict[str, int | str]:
        async with app.state.pool.acquire() as connection:
            row = await connection.fetchrow(
                "SELECT code, balance FROM ledger_account WHERE id = $1", account_id
            )
        return {"code": row["code"], "balance": row["balance"]}

    return app


if __name__ == "__main__":
    web.main("benchmarks.bare:create_app")
