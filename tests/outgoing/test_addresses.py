"""No address is reached that is not public, unless the installation says so."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest

from service.clients import transport
from service.clients.addresses import AddressGuard, is_public
from service.clients.errors import ForbiddenAddressError, UnreachableError
from service.clients.transport import Bounds, open_client

PRIVATE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.9.9",
    "192.168.0.1", "192.168.255.1", "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.254",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::127.0.0.1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "fe80::1", "fec0::1",
    "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "100::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "77.88.8.8", "1.1.1.1", "2a02:6b8::feed:ff", "2606:4700:4700::1111", "2002:808:808::1"]
SPELLINGS = ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "[::1]", "[::ffff:7f00:1]"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_told(address: str):
    """Private, local, shared, reserved and multicast addresses are not public, in either version of IP."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_told(address: str):
    """Ordinary addresses are public."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_loopback_is_reached(stand_in, host: str):
    """However loopback is written, no connection is made."""
    port = stand_in.url.rpartition(":")[2]
    refused = ForbiddenAddressError, UnreachableError, httpx2.InvalidURL
    with open_client(AddressGuard()) as client, pytest.raises(refused):
        client.get(f"http://{host}:{port}/")
    assert stand_in.seen == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(stand_in):
    """A name with mixed addresses is refused as a whole."""
    guard = AddressGuard(resolver=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    with open_client(guard) as client, pytest.raises(ForbiddenAddressError, match=r"127\.0\.0\.1"):
        client.get("http://mixed.example/")
    assert stand_in.seen == []


def test_a_name_that_turns_after_the_check_gains_nothing(open_stand_in, loopback):
    """A name is asked for once a connection, and the connection goes to the address that was checked."""
    good, bad = open_stand_in(), open_stand_in()
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])
    asked = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    guard = AddressGuard(loopback.private, resolver)
    port = good.url.rpartition(":")[2]
    with open_client(guard) as client:
        assert client.get(f"http://rebinding.example:{port}/").status_code == 200
        with pytest.raises(ForbiddenAddressError, match=r"10\.0\.0\.1"):
            client.get(f"http://rebinding.example:{port}/")
    assert len(asked) == 2
    assert len(good.seen) == 1
    assert good.seen[0].headers["host"] == f"rebinding.example:{port}"
    assert bad.seen == []


def test_a_network_may_be_allowed_by_name(stand_in, loopback):
    """A named private network is reached, its neighbours are not."""
    with open_client(loopback) as client:
        assert client.get(stand_in.url).status_code == 200
    with pytest.raises(ForbiddenAddressError, match="OTKLIK_PRIVATE_NETWORKS"):
        AddressGuard.from_text(["10.1.0.0/16"]).find("10.2.0.1", 443)


def test_a_redirect_is_not_followed(open_stand_in, loopback):
    """An answer that points elsewhere is the answer; nothing else is called."""
    first, second = open_stand_in(), open_stand_in()
    first.reply = lambda seen: (302, {}, {"Location": second.url})
    with open_client(loopback) as client:
        assert client.get(first.url).status_code == 302
    assert second.seen == []


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("ftp://example.ru/", "expected a URL such as"),
        ("http://example.ru/", "https"),
        ("https:///path", "expected a URL such as"),
        ("https://user:secret@example.ru/", "password"),
        ("https://0177.0.0.1/", "expected a URL such as"),
        ("example.ru/hook", "expected a URL such as"),
    ],
)
def test_a_url_that_cannot_be_called_is_told(url: str, found: str):
    """The message says what was expected, and a password is not repeated."""
    with pytest.raises(ForbiddenAddressError, match=found) as error:
        AddressGuard().check_url(url)
    assert "secret" not in str(error.value)


def test_a_server_that_drips_its_answer_is_left_in_time(loopback):
    """An exchange ends at its deadline, however busy the other side keeps the line."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X-Drip: 1\r\n")
                time.sleep(0.02)
        except OSError:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    with open_client(loopback, Bounds(seconds=0.3)) as client, pytest.raises(UnreachableError):
        client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    thread.join(timeout=5)
    listener.close()
    assert not thread.is_alive()


def test_an_endless_answer_is_not_read(stand_in, loopback):
    """Past the bound of bytes the exchange ends."""
    stand_in.reply = lambda seen: (200, b"x" * 100_000)
    bounds = Bounds(body_bytes=10_000)
    with open_client(loopback, bounds) as client, pytest.raises(UnreachableError, match="10000 bytes"):
        client.get(stand_in.url)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """A certificate of `hooks.example` that this process trusts, and its key."""
    program = shutil.which("openssl")
    if program is None:
        reason = "openssl is not installed"
        pytest.fail(reason) if os.environ.get("OTKLIK_CI") or os.environ.get("CI") else pytest.skip(reason)
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = [
        program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example",
        "-out", str(paths[0]), "-keyout", str(paths[1]),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))
    transport._ssl_context.cache_clear()
    yield paths
    transport._ssl_context.cache_clear()


def _serve_tls(certificate: tuple[Path, Path]) -> tuple[int, list[str | None], threading.Thread]:
    """A server of one connection; its port, and the names that it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    names: list[str | None] = []
    context.sni_callback = lambda connection, name, own: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def answer() -> None:
        with listener, contextlib.suppress(OSError):
            raw, _ = listener.accept()
            with context.wrap_socket(raw, server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    thread = threading.Thread(target=answer)
    thread.start()
    return listener.getsockname()[1], names, thread


@pytest.mark.parametrize(("host", "accepted"), [("hooks.example", True), ("other.example", False)])
def test_the_certificate_is_checked_against_the_name(certificate, loopback, host: str, accepted: bool):
    """The socket goes to the address that was checked, while TLS still asks for, and checks, the name."""
    port, names, thread = _serve_tls(certificate)
    guard = AddressGuard(loopback.private, lambda name, port: ["127.0.0.1"])
    with open_client(guard) as client:
        if accepted:
            assert client.get(f"https://{host}:{port}/").text == "ok"
        else:
            with pytest.raises(UnreachableError, match=r"(?i)certificate"):
                client.get(f"https://{host}:{port}/")
    thread.join(10)
    assert names == [host]
