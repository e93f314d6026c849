"""Clients that ask over HTTP/1.1 as cheaply as Python can: one kept connection each, one request at a time, nothing parsed but
the status and the length. What a client spends is taken from the machine that is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping

from backend.kit.settings import Settings
from puhui import runtime

_LENGTH = b"\r\ncontent-length: "
_PATIENCE_S = 60


class Refused(Exception):
    """The server answered with something else than was expected."""


class Client:
    """One connection to the server, kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    @classmethod
    async def connect(cls, host: str, port: int) -> Client:
        reader, writer = await asyncio.open_connection(host, port)
        return cls(reader, writer, host)

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, expect: int = 200
    ) -> bytes:
        """The body of the answer. Raises Refused for another status than `expect`."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sized = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nhost: {self._host}\r\n{lines}{sized}\r\n".encode() + body
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        at = head.find(_LENGTH) + len(_LENGTH)
        answer = await self._reader.readexactly(int(head[at : head.find(b"\r\n", at)]))
        if int(head[9:12]) != expect:
            raise Refused(f"{method} {path}: {head[9:12].decode()} {answer[:300]!r}")
        return answer

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@contextlib.contextmanager
def served(settings: Settings, *, workers: int) -> Iterator[int]:
    """The platform's app under uvicorn on the loopback, as `puhui up` runs it; answers its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    arguments = [
        "-m", "puhui.web", "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers),
    ]  # fmt: skip
    # All clients come from one address: the limits are counted, and high enough.
    environment = runtime.child_environment(settings) | {"PUHUI_RATE_LIMIT_FACTOR": "500"}
    nowhere = subprocess.DEVNULL  # the log lines are written, as anywhere, and thrown away
    server = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=nowhere, stderr=nowhere)
    try:
        _until_ready(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    ends = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends and server.poll() is None:
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2),
        ):
            return
        time.sleep(0.2)
    raise RuntimeError("the server did not start")
