"""The one way out: an HTTP client that connects only where it may, follows no redirect, and ends in time.

The guard sits where the connection is made: the name is resolved once, every address is checked, and the
socket goes to an address that was checked, while TLS still checks the certificate against the name.
"""

import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2

from service.clients.addresses import AddressGuard
from service.clients.errors import UnreachableError

USER_AGENT = "otklik"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long one exchange may take as a whole, and how much of an answer is read."""

    seconds: float = 20.0
    body_bytes: int = 16 * 1024 * 1024


def open_client(guard: AddressGuard, bounds: Bounds = Bounds()) -> httpx2.Client:  # frozen
    """A client behind `guard`; safe to use from several threads. Proxies of the environment are not used."""
    return httpx2.Client(
        transport=_GuardedTransport(guard, bounds),
        timeout=bounds.seconds,
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
    )


class _GuardedTransport(httpx2.BaseTransport):
    """httpx2's own transport takes no network backend; httpcore2's pool does."""

    def __init__(self, guard: AddressGuard, bounds: Bounds) -> None:
        self._bounds = bounds
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=None,
            max_keepalive_connections=0,  # the deadline of a connection is that of its one exchange
            network_backend=_GuardedBackend(guard, bounds.seconds),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.SyncByteStream)
        url = request.url
        try:
            response = self._pool.handle_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
            content = self._read(response)
        except httpcore2.TimeoutException:
            raise UnreachableError(f"{url.host}: no answer within {self._bounds.seconds:g} s") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise UnreachableError(f"{url.host}: {error or type(error).__name__}") from None
        headers = [(name, value) for name, value in response.headers if name.lower() != b"content-encoding"]
        return httpx2.Response(response.status, headers=headers, content=content)

    def close(self) -> None:
        self._pool.close()

    def _read(self, response: httpcore2.Response) -> bytes:
        content = bytearray()
        try:
            for piece in response.iter_stream():
                content += piece
                if len(content) > self._bounds.body_bytes:
                    raise UnreachableError(f"the answer has more than {self._bounds.body_bytes} bytes")
        finally:
            response.close()
        return bytes(content)


class _GuardedBackend(httpcore2.NetworkBackend):
    """Connects to addresses that the guard has found, and to no other."""

    def __init__(self, guard: AddressGuard, seconds: float) -> None:
        self._guard = guard
        self._seconds = seconds
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        deadline = time.monotonic() + self._seconds
        failure: Exception = UnreachableError(f"{host}: the name has no address")
        for address in self._guard.find(host, port):
            try:
                stream = self._sockets.connect_tcp(
                    address, port, _left(deadline), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, deadline)
        raise failure


class _TimedStream(httpcore2.NetworkStream):
    """A stream whose every wait ends at one deadline, so that a byte now and then cannot hold it open."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


@cache
def _ssl_context() -> ssl.SSLContext:
    """Trusts what the system trusts; `SSL_CERT_FILE` names a CA of one's own. Loading it takes a while."""
    return httpcore2.default_ssl_context()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return left
