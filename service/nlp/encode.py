"""Results as JSON, straight from what is said: the bytes of `Result.to_json`, without the objects.

But for its probability and its evidence, a tag is the same as all others of its category, aspect and
polarity. So what stands around these two is made once, and results are put together from ready pieces.
"""

from collections.abc import Callable
from typing import Any

import orjson

from service.nlp.said import Said, SaidTag

_HOLE = b'"probability":0.0,"evidence":[]'


class Encoder:
    """Writes results; `to_json` says what a tag is in JSON, and is asked once a kind of tag."""

    def __init__(self, to_json: Callable[[SaidTag], dict[str, Any]]) -> None:
        self._to_json = to_json
        self._around: dict[tuple[int, int, int], tuple[bytes, bytes]] = {}

    def result(self, id_: str, text: str, nps_group: str | None, said: Said) -> bytes:
        """The result of a comment with this id, text and group, of which that is said."""
        return b'{"id":%b,"nps_group":%b,"needs_review":%b,"tags":[%b]}' % (
            orjson.dumps(id_),
            orjson.dumps(nps_group),
            b"true" if said.needs_review else b"false",
            b",".join([self._tag(tag, text) for tag in said.tags]),
        )

    def _tag(self, tag: SaidTag, text: str) -> bytes:
        kind = tag[:3]
        before, after = self._around.get(kind) or self._learn(kind)
        evidence = [{"start": start, "stop": stop, "text": text[start:stop]} for start, stop in tag.evidence]
        return b'%b"probability":%a,"evidence":%b%b' % (
            before,
            tag.probability,
            orjson.dumps(evidence),
            after,
        )

    def _learn(self, kind: tuple[int, int, int]) -> tuple[bytes, bytes]:
        before, _, after = orjson.dumps(self._to_json(SaidTag(*kind, 0.0, ()))).partition(_HOLE)
        return self._around.setdefault(kind, (before, after))
