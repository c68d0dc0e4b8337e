"""Small servers on loopback that speak what the platforms' documentation says."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from service.clients.addresses import AddressGuard

LOOPBACK = AddressGuard.from_text(["127.0.0.0/8"])


@dataclass
class Seen:
    """One request that a stand-in got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class StandIn:
    """A server that answers with `reply(request)`: status, body (JSON unless bytes), perhaps headers."""

    reply: Callable[[Seen], Reply] = lambda seen: (200, {})
    seen: list[Seen] = field(default_factory=list)
    url: str = ""


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            stand_in.seen.append(seen)
            status, content, *more = stand_in.reply(seen)
            data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(more[0] if more else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # the server's own names

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def open_stand_in() -> Iterator[Callable[[], StandIn]]:
    """Starts servers, each on a port of its own; all end with the test."""
    servers: list[ThreadingHTTPServer] = []

    def open_one() -> StandIn:
        stand_in = StandIn()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stand_in))
        server.daemon_threads = True
        servers.append(server)
        stand_in.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return stand_in

    yield open_one
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def stand_in(open_stand_in: Callable[[], StandIn]) -> StandIn:
    """One such server."""
    return open_stand_in()


@pytest.fixture
def loopback() -> AddressGuard:
    """A guard that lets loopback through, and nothing else that is private."""
    return LOOPBACK
