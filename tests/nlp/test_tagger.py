"""Any text goes through, and what comes out can be proved by the text."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.nlp.context import nps_group
from service.nlp.lemmas import Lemmatizer
from service.nlp.scorer import Scorer
from service.nlp.spans import Span
from service.nlp.tagger import _BATCH_CHARS, Comment, Result, Tag, Tagger, _batches
from tests.conftest import EXAMPLE

WORDS = [
    "цена",
    "дорого",
    "задержали",
    "поставку",
    "хороший",
    "станок",
    "не",
    "брак",
    ",",
    ".",
    "!",
    "но",
    "а",
    "ёж",
    "&lt;",
    "cроки",
    "😡",
    "))",
    "\u200b",
]
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.sampled_from([*WORDS, "\n"]), max_size=30).map(" ".join))


def test_example_sentence(tagger: Tagger) -> None:
    """The example of the README gets the tags, departments, KPIs and evidence that it promises."""
    [result] = tagger.tag([Comment(EXAMPLE, score=3)])
    late, good = result.tags
    assert result.nps_group == "detractor"
    assert (late.category, late.aspect, late.polarity) == ("logistics", "deadlines", "problem")
    assert [d.title for d in late.departments] == ["Отдел логистики", "Производственно-диспетчерский отдел"]
    assert [kpi.title_en for kpi in late.kpis] == ["On-Time Delivery", "Production Cycle Time"]
    assert [span.of(EXAMPLE) for span in late.evidence] == ["Задержали поставку на две недели"]
    assert (good.category, good.polarity) == ("quality", "praise")
    assert [span.of(EXAMPLE) for span in good.evidence] == ["станок сам отличный"]
    assert all(0.5 < tag.probability <= 1 for tag in result.tags)


@given(TEXTS)
@settings(deadline=None)
def test_any_text_goes_through(tagger: Tagger, text: str) -> None:
    """Whatever the text, tags are lawful and evidence is a piece of it."""
    [result] = tagger.tag([Comment(text)])
    for tag in result.tags:
        assert tag.category in tagger.taxonomy.category_codes
        assert tag.aspect is None or tag.aspect in tagger.taxonomy.aspect_codes(tag.category)
        assert 0 <= tag.probability <= 1
        assert tag.evidence
        assert all(0 <= span.start < span.stop <= len(text) for span in tag.evidence)
    for tag in result.to_json()["tags"]:
        for piece in tag["evidence"]:
            assert piece["text"] == text[piece["start"] : piece["stop"]]


@given(st.lists(TEXTS, max_size=8))
@settings(deadline=None)
def test_batch_equals_one_by_one(tagger: Tagger, texts: list[str]) -> None:
    """A comment gets the same tags in any company."""
    comments = [Comment(text) for text in texts]
    assert tagger.tag(comments) == [tagger.tag([comment])[0] for comment in comments]


@pytest.mark.parametrize("text", ["", "   ", "\n\u200b", "!!!", "…"])
def test_nothing_said_nothing_tagged(tagger: Tagger, text: str) -> None:
    """A text without words gets an empty result, and no one need look at it."""
    [result] = tagger.tag([Comment(text, score=10)])
    assert result.tags == ()
    assert not result.needs_review
    assert result.nps_group == "promoter"


@pytest.mark.parametrize("text", ["Спасибо, всё ок", "нет", "всё нормально", "безобразие!", "рекомендую"])
def test_general_words_get_no_tag(tagger: Tagger, text: str) -> None:
    """Praise of nothing in particular is not made up into a tag."""
    assert tagger.tag([Comment(text)])[0].tags == ()


def test_forgetting_words_changes_nothing(tagger: Tagger) -> None:
    """When more words come than are kept, some are forgotten, and the scores stay the same."""
    scorer = tagger._scorer
    small = Scorer(scorer._weights, Lemmatizer(), max_words=6)
    texts = ["ждали месяц", "станок отличный, цена высокая", "да да да", "", "брак и ещё раз брак"]
    expected = scorer.score(scorer.reader.read(texts * 2))
    for _ in range(2):
        found = small.score(small.reader.read(texts * 2))
        assert found.clauses == pytest.approx(expected.clauses, abs=1e-5)
        assert found.comments == pytest.approx(expected.comments, abs=1e-5)
        for text in texts:
            small.reader.read([text])


@given(st.lists(TEXTS, max_size=8))
@settings(deadline=None)
def test_columns_say_what_results_say(tagger: Tagger, texts: list[str]) -> None:
    """Whoever asks for columns gets the same tags, with the same evidence, in the same order."""
    comments = list(map(Comment, texts))
    columns, results = tagger.tag_columns(comments), tagger.tag(comments)
    said = [(row, tag) for row, result in enumerate(results) for tag in result.tags]
    codes = tagger.taxonomy.category_codes
    assert columns.texts.tolist() == [row for row, _ in said]
    assert [codes[number] for number in columns.categories] == [tag.category for _, tag in said]
    assert columns.probabilities.tolist() == [tag.probability for _, tag in said]
    assert columns.evidence_counts.tolist() == [len(tag.evidence) for _, tag in said]
    spans = [(span.start, span.stop) for _, tag in said for span in tag.evidence]
    assert list(zip(columns.starts.tolist(), columns.stops.tolist(), strict=True)) == spans
    assert columns.needs_review.tolist() == [result.needs_review for result in results]


@pytest.mark.parametrize(
    ("score", "group"), [(0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"), (9, "promoter")]
)
def test_nps_groups(score: int, group: str) -> None:
    """The borders are those of the Net Promoter System."""
    assert nps_group(score) == group


COMMENTS = st.builds(
    Comment,
    TEXTS,
    st.none() | st.integers(0, 10),
    st.sampled_from([None, "Что нам улучшить?", "Что понравилось?", "Почему?"]),
)


@given(st.lists(COMMENTS, min_size=9, max_size=20))
@settings(deadline=None)
def test_alone_or_in_company(tagger: Tagger, comments: list[Comment]) -> None:
    """One comment at a time is read and decided in loops, many in arrays: the tags are the same."""
    many = tagger.say(comments)
    for comment, together in zip(comments, many, strict=True):
        [alone] = tagger.say([comment])
        assert [(tag[:3], tag.evidence) for tag in alone.tags] == [
            (tag[:3], tag.evidence) for tag in together.tags
        ]
        assert [tag.probability for tag in alone.tags] == pytest.approx(
            [tag.probability for tag in together.tags], abs=1.01e-4
        )
        assert (alone.needs_review, alone.doubt) == (together.needs_review, together.doubt)


@given(st.lists(COMMENTS, min_size=9, max_size=20))
@settings(deadline=None)
def test_results_of_a_batch_are_built_like_single_ones(tagger: Tagger, comments: list[Comment]) -> None:
    """The fields of many results are filled in at once: each is what its comment's own result would be."""
    one_by_one = [tagger.result(*both) for both in zip(comments, tagger.say(comments), strict=True)]
    results = tagger.tag(comments)
    assert results == one_by_one
    tags = [tag for result in results for tag in result.tags]
    assert {type(result) for result in results} == {Result}
    assert {type(tag) for tag in tags} <= {Tag}
    assert {type(span) for tag in tags for span in tag.evidence} <= {Span}


@given(st.lists(st.integers(0, 250_000), max_size=30))
def test_batches_are_bounded_by_characters_too(lengths: list[int]) -> None:
    """Long comments are tagged fewer at once, as memory is taken by the character; none is left out."""
    comments = [Comment("я" * length) for length in lengths]
    batches = list(_batches(comments))
    assert [comment for batch in batches for comment in batch] == comments
    for batch in batches:
        assert sum(len(comment.text) for comment in batch[1:]) < _BATCH_CHARS


@given(TEXTS, st.none() | st.integers(0, 10))
@settings(deadline=None)
def test_the_encoder_writes_what_the_result_says(tagger: Tagger, text: str, score: int | None) -> None:
    """The quick way to JSON gives the bytes of the slow one."""
    comment = Comment(text, score)
    [said] = tagger.say([comment])
    expected = orjson.dumps({"id": "№ 1", **tagger.result(comment, said).to_json()})
    assert tagger.encode("№ 1", comment, said) == expected
