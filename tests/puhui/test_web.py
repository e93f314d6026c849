"""The web part's connection: what one turn of the loop writes leaves together, in order, and nothing waits for long."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from typing import Any

import pytest

from backend.kit.settings import Settings
from puhui import runtime
from puhui.web import Gathering


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> str:
        return name


def _on(wire: Any) -> Gathering:
    return Gathering(wire, asyncio.get_running_loop())


async def test_head_and_body_leave_together_by_the_end_of_the_turn() -> None:
    wire = Wire()
    gathering = _on(wire)
    gathering.write(b"head ")
    gathering.write(b"body")
    assert wire.written == []
    await asyncio.sleep(0)
    assert wire.written == [b"head body"]
    gathering.write(b"next")
    await asyncio.sleep(0)
    assert wire.written == [b"head body", b"next"]
    assert gathering.get_extra_info("peername") == "peername"


@pytest.mark.parametrize(("size", "left"), [(65_535, 0), (65_536, 1)])
async def test_much_leaves_at_once(size: int, left: int) -> None:
    wire = Wire()
    gathering = _on(wire)
    gathering.write(b"x" * 10)
    gathering.write(b"y" * (size - 10))
    assert len(wire.written) == left
    await asyncio.sleep(0)
    assert b"".join(wire.written) == b"x" * 10 + b"y" * (size - 10)


async def test_closing_writes_what_waits_and_a_closed_connection_gets_nothing() -> None:
    wire = Wire()
    gathering = _on(wire)
    gathering.write(b"bye")
    gathering.close()
    assert (wire.written, wire.closed) == ([b"bye"], True)
    gathering.write(b"late")
    await asyncio.sleep(0)
    assert wire.written == [b"bye"]


async def test_the_web_part_answers_many_requests_on_one_connection(settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "puhui.web", "--port", str(port)),
        env=runtime.child_environment(settings),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.1)
        asked = b"GET /readyz HTTP/1.1\r\nhost: here\r\n\r\n"
        writer.write(
            asked * 3 + b"GET /mobile/v1/openapi.json HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"
        )
        told = await asyncio.wait_for(reader.read(), 30)
        writer.close()
    finally:
        server.terminate()
        await asyncio.wait_for(server.wait(), 30)
    heads = re.findall(rb"HTTP/1.1 (\d+) ", told)
    assert len(heads) == 4
    assert heads[:3] == [b"200"] * 3
    assert re.search(rb"content-length: \d+\r\n", told)
