"""What a text came to, in few bytes: tags by their codes, evidence by its place."""

from dataclasses import replace

import orjson

from service.nlp.context import nps_group
from service.nlp.spans import Span
from service.nlp.tagger import Comment, Result, Tag
from service.nlp.taxonomy import Taxonomy


def pack(result: Result) -> bytes:
    """A result without its text and group, as JSON."""
    tags = [
        [tag.category, tag.aspect, tag.polarity, tag.probability, [[s.start, s.stop] for s in tag.evidence]]
        for tag in result.tags
    ]
    return orjson.dumps([result.needs_review, result.doubt, result.certainty, tags])


def unpack(packed: bytes, comment: Comment, taxonomy: Taxonomy) -> Result:
    """The result of `comment`, of which `pack` kept what does not follow from comment and taxonomy."""
    needs_review, doubt, certainty, tags = orjson.loads(packed)
    titles = {category.code: category.title for category in taxonomy.categories}
    return Result(
        text=comment.text,
        nps_group=nps_group(comment.score),
        needs_review=needs_review,
        doubt=doubt,
        certainty=certainty,
        tags=tuple(
            Tag(
                category=category,
                aspect=aspect,
                polarity=polarity,
                title=titles[category],
                probability=probability,
                evidence=tuple(Span(*place) for place in evidence),
                departments=taxonomy.departments_of(category, aspect),
                kpis=taxonomy.kpis_of(category, aspect),
            )
            for category, aspect, polarity, probability, evidence in tags
        ),
    )


def with_score(result: Result, score: int | None) -> Result:
    """The result of the same text under another score."""
    return replace(result, nps_group=nps_group(score))
