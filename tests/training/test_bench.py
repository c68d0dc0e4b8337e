"""The bench measures what it says: distinct comments, the plain pipeline's tags, honest verdicts."""

from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

from service.nlp.tagger import Comment, Tagger
from training.bench.comments import make_comments
from training.bench.measure import at_least, at_most
from training.bench.plain import PlainTagger
from training.bench.plot import draw_bars
from training.run import Trained


def test_comments_are_distinct_and_the_same_each_time() -> None:
    """Nothing is measured on comments that repeat, and two runs measure on the same."""
    texts = ["Ждали месяц. Никто не позвонил! Цена выросла.", "Станок отличный. Привезли в срок, спасибо."]
    made = list(islice(make_comments(texts * 3, seed=1), 200))
    assert made == list(islice(make_comments(texts * 3, seed=1), 200))
    assert len(set(made)) > 20
    assert made != list(islice(make_comments(texts * 3, seed=2), 200))


def test_the_plain_pipeline_says_the_same(trained: Trained, models: Path, tagger: Tagger) -> None:
    """Speed is bought with nothing: the pipeline in scikit-learn gives the same tags and probabilities."""
    texts = [example.text for example in trained.examples[::25]]
    results = tagger.tag([Comment(text) for text in texts])
    for result, guess in zip(results, PlainTagger(models).tag(texts), strict=True):
        said = {(tag.category, tag.aspect, tag.polarity): tag.evidence for tag in result.tags}
        assert set(said) == {(x.category, x.aspect, x.polarity) for x in guess.labels}
        assert sorted(span for spans in said.values() for span in spans) == sorted(
            s for _, s in guess.evidence
        )
        theirs = dict(zip(tagger.taxonomy.category_codes, guess.probabilities, strict=True))
        assert all(abs(tag.probability - theirs[tag.category]) < 6e-5 for tag in result.tags)
        assert result.needs_review == guess.needs_review


def test_verdicts() -> None:
    """A figure meets its goal by its median, on the right side."""
    assert at_least("comments/s", [1.0, 3.0, 9.0], 3.0).met
    assert not at_least("comments/s", [1.0, 2.0, 9.0], 3.0).met
    assert at_most("seconds", [0.4], 0.5).met
    assert "NOT MET" in str(at_most("seconds", [0.6], 0.5))


def test_the_plot_shows_each_rate_the_highest_first() -> None:
    """The picture is valid SVG and names all that it compares."""
    root = ElementTree.fromstring(draw_bars("Rates & more", {"slow": 10.0, "Отклик": 2_000.0}))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["Rates & more", "Отклик", "2,000", "slow", "10"]
