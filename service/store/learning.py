"""What the store hands to a training run: corrected comments to learn from, others to try a model on."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from service.store import search
from service.store.comments import StoredComment
from service.store.corrections import Correction, all_with_texts, weigh
from service.store.predictions import StoredTag

PAGE = 1_000


def corrected_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """A row a corrected comment: the tags that its corrections come to, and what each person said.

    Where people contradict each other and no view prevails, the categories in dispute are `optional`: they
    teach nothing until a person decides.
    """
    for _, group in groupby(all_with_texts(connection), key=lambda pair: pair[1].id):
        pairs = list(group)
        yield _corrected_row(pairs[0][1], [correction for correction, _ in pairs])


def comment_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """A row a comment that has a text, the newest first."""
    for comment in all_comments(connection):
        yield {
            "id": str(comment.id),
            "text": comment.text,
            "score": comment.score,
            "question": comment.question,
        }


def all_comments(connection: Connection) -> Iterator[StoredComment]:
    """Every comment that has a text, the newest first."""
    before: int | None = None
    while True:
        page = search.find(connection, search.Filter(), PAGE, before)
        yield from (comment for comment in page.comments if comment.text is not None)
        if page.before is None:
            return
        before = page.before


def _corrected_row(comment: StoredComment, corrections: list[Correction]) -> dict[str, Any]:
    verdict = weigh(corrections)
    disputed = _disputed(corrections) if verdict.contested else set()
    return {
        "id": str(comment.id),
        "text": comment.text,
        "score": comment.score,
        "question": comment.question,
        "labels": _labels(tag for tag in verdict.tags if tag.category not in disputed),
        "optional": sorted(disputed),
        "readings": [
            {"by": own.author, "blind": own.blind, "labels": _labels(own.tags)} for own in corrections
        ],
    }


def _disputed(corrections: list[Correction]) -> set[str]:
    """The categories of which two people, each by their latest word, say different things."""
    latest = {correction.author: correction for correction in corrections}
    views = [{tag.category: (tag.aspect, tag.polarity) for tag in own.tags} for own in latest.values()]
    named = {category for view in views for category in view}
    return {category for category in named if len({view.get(category) for view in views}) > 1}


def _labels(tags: Iterable[StoredTag]) -> list[dict[str, Any]]:
    return [
        {"category": tag.category, "aspect": tag.aspect, "polarity": tag.polarity, "evidence": tag.evidence}
        for tag in tags
    ]
