"""What is said of a text, in few bytes: tags by their numbers, evidence by its place."""

import orjson

from service.nlp.said import Said, SaidTag


def pack(said: Said) -> bytes:
    """What is said, as JSON.

    >>> pack(Said((SaidTag(1, -1, 0, 0.9, ((0, 6),)),), False, 2, 0.8))
    b'[[[1,-1,0,0.9,[[0,6]]]],false,2,0.8]'
    """
    return orjson.dumps([[[*tag] for tag in said.tags], *said[1:]])


def unpack(packed: bytes) -> Said:
    """What `pack` was given."""
    tags, *rest = orjson.loads(packed)
    own = [SaidTag._make([*tag, tuple(map(tuple, evidence))]) for *tag, evidence in tags]
    return Said(tuple(own), *rest)
