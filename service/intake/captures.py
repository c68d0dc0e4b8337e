"""A captured delivery in a file: the whole request as it went over the wire, or its body alone."""

import re

from service.intake.deliveries import Delivery

_REQUEST_LINE = re.compile(rb"(POST|PUT|PATCH|GET) (\S+)( HTTP/[\d.]+)?\r?\n")


def read_capture(content: bytes) -> Delivery:
    r"""The delivery in a file.

    A request begins with its request line; after a blank line comes the body, whose last line break, which an
    editor adds, is not part of it.

    >>> read_capture(b"POST /v1/intake/webask?id=7 HTTP/1.1\nX-Api-Key: k\n\nscore=3\n")
    Delivery(method='POST', headers={'x-api-key': 'k'}, query='id=7', body=b'score=3')
    >>> read_capture(b'{"score": 3}').body
    b'{"score": 3}'
    """
    line = _REQUEST_LINE.match(content)
    if not line:
        return Delivery(body=_without_last_break(content))
    rest = content[line.end() - 1 :]
    blank = re.search(rb"\n\r?\n", rest)
    head, body = (rest[: blank.start()], rest[blank.end() :]) if blank else (rest, b"")
    pairs = [header.decode("latin-1").partition(":")[::2] for header in head.split(b"\n") if b":" in header]
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    query = line[2].decode("latin-1").partition("?")[2]
    return Delivery(line[1].decode(), headers, query, _without_last_break(body))


def _without_last_break(body: bytes) -> bytes:
    return body.removesuffix(b"\n").removesuffix(b"\r")
