"""A load generator: so many connections, each with one request under way, on the loopback.

It runs as a process of its own on the second core: `python -m training.bench.load FILE`, where the
file holds port, path, connections, seconds and bodies; it prints requests/s, p50, p99 and failures.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import cast

import uvloop


@dataclass
class _Run:
    """What all connections share."""

    requests: "cycle[bytes]"
    until: float
    spent: list[float] = field(default_factory=list)
    failed: int = 0


class _Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last is whole."""

    def __init__(self, run: _Run, done: "asyncio.Future[None]") -> None:
        self._run, self._done = run, done
        self._received, self._expected, self._started = bytearray(), 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own kind
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected:
            self._expected = _length(self._received)
        if self._expected and len(self._received) >= self._expected:
            now = time.perf_counter()
            self._run.spent.append(now - self._started)
            self._run.failed += not self._received.startswith(b"HTTP/1.1 200")
            if now < self._run.until:
                self._send()
            else:
                self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._run.failed += error is not None
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        self._received.clear()
        self._expected = 0
        self._started = time.perf_counter()
        self._transport.write(next(self._run.requests))


def _length(received: bytearray) -> int:
    """Length of the whole answer, 0 while its head is not in."""
    head, found, _ = received.partition(b"\r\n\r\n")
    if not found:
        return 0
    [own] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(head) + 4 + int(own.split(b":")[1])


async def _drive(task: dict[str, object]) -> dict[str, float]:
    port, path, connections = int(str(task["port"])), str(task["path"]), int(str(task["connections"]))
    bodies = task["bodies"]
    assert isinstance(bodies, list)
    requests = [_request(port, path, json.dumps(body, ensure_ascii=False).encode()) for body in bodies]
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    run = _Run(cycle(requests), started + float(str(task["seconds"])))
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(partial(_Connection, run, end), "127.0.0.1", port)
    await asyncio.gather(*ends)
    spent = sorted(run.spent)
    return {
        "requests": len(spent),
        "p50": spent[len(spent) // 2],
        "p99": spent[int(len(spent) * 0.99)],
        "failed": run.failed,
    }


def _request(port: int, path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_drive(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))))
