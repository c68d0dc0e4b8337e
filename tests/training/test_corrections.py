"""Corrections outweigh the corpus, teach what people said and no more, and leak into no fold."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.nlp.errors import OtklikError
from service.nlp.spans import Span
from service.nlp.taxonomy import Taxonomy
from training.agreement import find_agreements, find_disputes, read_readings
from training.corpus import CORRECTIONS, Example, parse_corpus
from training.corrections import mix, read_corrections, read_gold
from training.split import make_folds, text_key
from training.units import read_units

LATE = {"category": "logistics", "aspect": "deadlines", "polarity": "problem"}
GOOD = {"category": "quality", "aspect": None, "polarity": "praise"}


def _file(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def _corpus(taxonomy: Taxonomy) -> list[Example]:
    lines = "\n".join(f"[везли {n} дней]{{logistics/deadlines -}}, ветер {n}" for n in range(40))
    texts = [
        f"@author a{n}\n" + lines.replace("везли", word) for n, word in enumerate(("везли", "ехало", "шло"))
    ]
    return [example for text in texts for example in parse_corpus(text, taxonomy)]


def test_a_correction_outweighs_the_corpus(taxonomy: Taxonomy, tmp_path: Path) -> None:
    """A corpus comment with the same text, but for case and punctuation, makes way."""
    corpus = parse_corpus("@author a\n[Долго везли!]{logistics/delivery -}\n[цена]{price =}", taxonomy)
    path = _file(tmp_path / "c.jsonl", {"id": "7", "text": "долго везли", "labels": [LATE]})
    mixed = mix(corpus, read_corrections(path, taxonomy), [])
    assert [(example.text, example.author) for example in mixed] == [
        ("цена", "a"),
        ("долго везли", CORRECTIONS),
    ]
    assert mixed[1].labels[0].aspect == "deadlines"


def test_gold_is_not_learned(taxonomy: Taxonomy, tmp_path: Path) -> None:
    """A comment that the gold set has is left out, from corpus and corrections alike."""
    corpus = parse_corpus("@author a\n[Долго везли!]{logistics -}\n[цена]{price =}", taxonomy)
    corrections = read_corrections(
        _file(tmp_path / "c.jsonl", {"text": "Станок!", "labels": [GOOD]}), taxonomy
    )
    gold = tmp_path / "gold"
    gold.mkdir()
    _file(gold / "a.jsonl", {"text": "долго везли", "labels": [LATE]})
    (gold / "b.txt").write_text("@author b\n[станок]{quality +}\n", encoding="utf-8")
    (gold / "README.md").write_text("not a comment", encoding="utf-8")
    frozen = read_gold(gold, taxonomy)
    assert [example.text for example in frozen] == ["долго везли", "станок"]
    assert [example.text for example in mix(corpus, corrections, frozen)] == ["цена"]
    assert read_gold(tmp_path / "nowhere", taxonomy) == []


def test_contradicting_corrections(taxonomy: Taxonomy, tmp_path: Path) -> None:
    """Of the same text the majority holds; where there is none, the category teaches nothing."""
    rows = [
        {"text": "долго, но хорошо", "labels": [LATE, GOOD]},
        {"text": "Долго, но хорошо", "labels": [LATE]},
        {"text": "долго но хорошо!", "labels": [LATE, GOOD]},
        {"text": "плохо", "labels": [GOOD]},
        {"text": "Плохо", "labels": []},
    ]
    first, second = mix([], read_corrections(_file(tmp_path / "c.jsonl", *rows), taxonomy), [])
    assert {label.category for label in first.labels} == {"logistics", "quality"}
    assert first.optional == frozenset()
    assert (second.labels, second.optional) == ((), frozenset({"quality"}))


def test_words_that_a_person_pointed_out(taxonomy: Taxonomy, tmp_path: Path) -> None:
    """Evidence marks the words; without it no clause of several is taught the label or its contrary."""
    text = "Везли месяц. Станок отличный."
    rows = [
        {"text": text, "labels": [LATE | {"evidence": [[0, 11]]}, GOOD]},
        {"text": "Везли месяц", "labels": [LATE]},
    ]
    examples = read_corrections(_file(tmp_path / "c.jsonl", *rows), taxonomy)
    assert [mark.span for mark in examples[0].marks] == [Span(0, 11)]
    first, second, only = read_units(examples).clauses
    assert [label.category for label in first.labels] == ["logistics"]
    assert second.labels == ()
    assert first.uncertain == second.uncertain == {"quality"}
    assert ([label.category for label in only.labels], only.uncertain) == (["logistics"], frozenset())


def test_evidence_outside_the_text(taxonomy: Taxonomy, tmp_path: Path) -> None:
    """The line is named."""
    path = _file(tmp_path / "c.jsonl", {"text": "да", "labels": [LATE | {"evidence": [[0, 9]]}]})
    with pytest.raises(OtklikError, match=r"c\.jsonl:1: found evidence \[0, 9\]"):
        read_corrections(path, taxonomy)


def test_the_corpus_keeps_its_folds(taxonomy: Taxonomy) -> None:
    """Corrections are dealt by themselves: no corpus comment changes its fold, and a repeat stays out."""
    corpus = _corpus(taxonomy)
    texts = [
        "долго ехали коробки и пришли мятые",
        "дорого просят за доставку до склада",
        corpus[0].text + " вот",
    ]
    corrections = [replace(corpus[0], text=text, author=CORRECTIONS) for text in texts]
    before, after = make_folds(corpus, 3), make_folds([*corpus, *corrections], 3)
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(old.held_out, new.held_out[new.held_out < len(corpus)])
    held = np.concatenate([fold.held_out for fold in after])
    assert sorted(held.tolist()) == list(range(len(corpus) + 3))
    repeat = len(corpus) + 2
    for fold in after:
        assert not ({0, repeat} & set(fold.held_out.tolist()) and {0, repeat} & set(fold.train.tolist()))
    more = make_folds([*corpus, *corrections[1:]], 3)
    for old, new in zip(after, more, strict=True):
        kept = {i - (i >= len(corpus)) for i in old.held_out.tolist() if i != len(corpus)}
        assert kept == set(new.held_out.tolist())


def test_text_key() -> None:
    """Case, blanks and punctuation do not make another text; another word does, and another emoji."""
    assert text_key("Долго  везли!") == text_key("долго, везли")
    assert text_key("долго везли") != text_key("долго не везли")
    assert text_key("👍") != text_key("👎")


def test_agreement(tmp_path: Path) -> None:
    """Cohen's kappa of two people over what both have read, each by the latest word; disputes are told."""
    rows = [
        {"text": f"отзыв {n}", "readings": [{"by": "Анна", "labels": a}, {"by": "Борис", "labels": b}]}
        for n, (a, b) in enumerate([([LATE], [LATE]), ([], []), ([LATE], []), ([], [])])
    ]
    rows.append({"text": "отзыв 0", "readings": [{"by": "Вера", "labels": [LATE]}]})
    readings = read_readings(_file(tmp_path / "c.jsonl", *rows))
    found = {(a.first, a.second): a for a in find_agreements(readings, ["logistics", "price"])}
    pair = found["Анна", "Борис"]
    assert (pair.comments, pair.kappas) == (4, {"logistics": 0.5, "price": None})
    assert found["Анна", "Вера"].comments == 1
    [dispute] = find_disputes(readings)
    assert dispute.text == "отзыв 2"
