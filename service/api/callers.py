"""Where a call comes from."""

from starlette.types import Scope

_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})


def is_local(scope: Scope) -> bool:
    """Whether the caller is on this machine.

    Behind a proxy on the same machine the client's own address counts, as the server has set it from
    `X-Forwarded-For`.
    """
    client = scope.get("client")
    return client is not None and client[0] in _LOOPBACK
