"""The web part: `python -m puhui.web --port 8000` serves the app under uvicorn.

uvicorn writes the head of an answer and its body one after the other, each a call into the kernel that wakes whoever reads. Here they
leave together.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_AT_ONCE = 65_536  # bytes that wait for what follows; more leave at once


class OneWrite(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, on a connection that gathers what one turn of the loop writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]


class Gathering:
    """A transport whose writes leave together at the end of the loop's turn, or once they are many; else it is what it wraps."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Like `asyncio.Transport.write`, by the end of the turn."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits."""
        if self._waiting:
            data, self._waiting, self._size = b"".join(self._waiting), [], 0
            if not self._transport.is_closing():
                self._transport.write(data)

    def close(self) -> None:
        """Like `asyncio.Transport.close`, behind what waits."""
        self.flush()
        self._transport.close()


def main(app: str = "puhui.app:create_app") -> None:
    """Serve what a factory makes, until told to stop."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--host", default="127.0.0.1")
    asked.add_argument("--port", type=int, default=8000)
    asked.add_argument("--workers", type=int, default=1)
    given = asked.parse_args()
    uvicorn.run(
        app,
        factory=True,
        host=given.host,
        port=given.port,
        workers=given.workers,
        http="puhui.web:OneWrite",
        access_log=False,
        log_level="warning",
        proxy_headers=False,  # whose forwarded addresses are believed is a setting of ours
    )


if __name__ == "__main__":
    main()
