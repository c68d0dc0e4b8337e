"""Which addresses may be reached: public ones, and the private networks that the installation names.

A webhook's URL is chosen by others. Without this guard it could be made to read what only this machine can
reach: a router, a database, the metadata service of a cloud.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import httpx2

from service.clients.errors import ForbiddenAddressError, UnreachableError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Resolver: TypeAlias = Callable[[str, int], Sequence[str]]

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""RFC 4291, 2.4: all that IANA gives out; IPv4 in disguise (mapped, compatible, NAT64) lies outside."""


def resolve(host: str, port: int) -> list[str]:
    """Every address that `host` has now, in the system's order. Raises: UnreachableError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError(f"{host}: the name has no address ({error})") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Tells public addresses from others; `private` are the networks that may be reached all the same."""

    private: tuple[Network, ...] = ()
    resolver: Resolver = resolve

    @classmethod
    def from_text(cls, networks: Iterable[str]) -> "AddressGuard":
        """A guard that lets through such networks as `10.1.0.0/16`. Raises: ForbiddenAddressError."""
        try:
            return cls(tuple(ip_network(network) for network in networks))
        except ValueError as error:
            raise ForbiddenAddressError(f"{error}; expected a network such as 10.1.0.0/16") from None

    def find(self, host: str, port: int) -> list[str]:
        """The addresses to connect to, asked for once, so that a name cannot turn after it was checked.

        Raises:
            ForbiddenAddressError: when even one address is private; a mixed answer is an attack.
            UnreachableError: when there is none.
        """
        found = [address.partition("%")[0] for address in self.resolver(host, port)]
        for address in found:
            if not self._is_allowed(ip_address(address)):
                raise ForbiddenAddressError(
                    f"{host} is at {address}, which is not a public address; "
                    "name its network in OTKLIK_PRIVATE_NETWORKS if it may be reached"
                )
        return found

    def check_url(self, url: str) -> None:
        """Raises: ForbiddenAddressError if `url` cannot be called whatever its name stands for."""
        schemes = ("https", "http") if self.private else ("https",)
        expected = " or ".join(f"{scheme}://…" for scheme in schemes)
        try:
            parts = httpx2.URL(url)
        except httpx2.InvalidURL as error:
            raise ForbiddenAddressError(f"{error}; expected a URL such as {expected}") from None
        if parts.scheme not in schemes or not parts.host:
            raise ForbiddenAddressError(f"found «{url}», expected a URL such as {expected}")
        if parts.userinfo:
            raise ForbiddenAddressError("the URL holds a password, which logs would show; sign instead")

    def _is_allowed(self, address: Address) -> bool:
        return is_public(address) or any(
            address in network for network in self.private if network.version == address.version
        )


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet, as does the IPv4 address that it may carry.

    >>> [is_public(ip_address(text)) for text in ("8.8.8.8", "100.64.0.1", "::ffff:8.8.8.8", "2002:7f00:1::")]
    [True, False, False, False]
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    carried = address.sixtofour or (address.teredo[1] if address.teredo else None)
    return address in _GLOBAL_UNICAST and address.is_global and (carried is None or is_public(carried))
