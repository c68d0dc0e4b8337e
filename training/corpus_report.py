"""What the corpus is like: how far it repeats itself, how it is written beside other sets, its labels."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from service.nlp.clean import clean
from service.nlp.heads import POLARITIES
from service.nlp.lemmas import Lemmatizer
from service.nlp.segment import words
from service.nlp.taxonomy import Taxonomy
from training.corpus import Example
from training.features import MIN_DOCUMENTS
from training.split import NEAR_DUPLICATE, near_duplicates

CORPUS = "corpus"
_NGRAMS = (2, 3, 4)
_QUANTILES = (5, 25, 50, 75, 95, 100)
_SAMPLES = 5
_SEED = 3
_SHOWN = 10
_QUOTED_CHARS = 110
_SHORT = 4
"""Words from which a repeated comment is worth a look: «всё ок» is said by many."""

_STYLE: dict[str, Callable[[str], bool]] = {
    "begins with a small letter": lambda text: text[:1].islower(),
    "no sign at the end": lambda text: bool(re.search(r"[\w]$", text.strip())),
    "no comma in eight words or more": lambda text: len(text.split()) >= 8 and "," not in text,
    "a word in capitals (four letters or more)": lambda text: bool(re.search(r"\b[А-ЯЁ]{4,}\b", text)),
    "«!»": lambda text: "!" in text,
    "«?»": lambda text: "?" in text,
    "«…» or «...»": lambda text: "…" in text or "..." in text,
    "brackets as a smile, or an emoji": lambda text: bool(
        re.search(r"\)\)|[☀-➿\U0001F300-\U0001FAFF]", text)
    ),
    "a number": lambda text: bool(re.search(r"\d", text)),
    "Latin letters": lambda text: bool(re.search(r"[A-Za-z]", text)),
    "ё": lambda text: "ё" in text.lower(),
    "several lines": lambda text: "\n" in text.strip(),
}


def report_corpus(
    examples: Sequence[Example], sets: Mapping[str, Sequence[Example]], taxonomy: Taxonomy
) -> str:
    """The whole report as Markdown: the corpus, and beside it the `sets`."""
    columns = {CORPUS: examples, **sets}
    read = {name: [words(clean(e.text).text.lower()) for e in own] for name, own in columns.items()}
    parts = {
        "Near-duplicates": _near_duplicates(examples),
        "Distinct n-grams": _distinct_ngrams(read),
        "Length in words": _lengths(read),
        "Style": _styles(columns),
        "Vocabulary": _coverage(read),
        "Labels in a comment": _label_counts(columns, taxonomy),
        "Labels": count_labels(taxonomy, examples),
    }
    return "\n\n".join(f"## {title}\n\n{part}" for title, part in parts.items())


def count_labels(taxonomy: Taxonomy, examples: Iterable[Example]) -> str:
    """A Markdown table: how many labels of each category, aspect and polarity."""
    counts = Counter((x.category, x.aspect, x.polarity) for e in examples for x in e.labels)
    rows = [
        (category.code, aspect or "–", *(counts[category.code, aspect, p] for p in POLARITIES))
        for category in taxonomy.categories
        for aspect in (*taxonomy.aspect_codes(category.code), None)
    ]
    return _table(("category", "aspect", *POLARITIES), rows, text_columns=2)


def _near_duplicates(examples: Sequence[Example]) -> str:
    """How many comments nearly repeat another, and the longest that do."""
    members: dict[int, list[Example]] = {}
    for example, cluster in zip(examples, near_duplicates([e.text for e in examples]).tolist(), strict=True):
        members.setdefault(cluster, []).append(example)
    repeated = [own for own in members.values() if len(own) > 1]
    long = [own for own in repeated if len(own[0].text.split()) >= _SHORT]
    across = [own for own in long if len({example.author for example in own}) > 1]
    lines = [
        f"Jaccard similarity of word trigrams of {NEAR_DUPLICATE} or more: "
        f"{sum(map(len, repeated))} comments in {len(repeated)} groups, "
        f"{sum(map(len, long))} of them of {_SHORT} words or more ({len(long)} groups, "
        f"{len(across)} of them by several authors); "
        f"{len(members)} of {len(examples)} comments are distinct.",
        "",
    ]
    for own in sorted(long, key=lambda own: -len(own[0].text))[:_SHOWN]:
        places = ", ".join(example.source for example in own[:4])
        lines.append(f"- {places}: «{' '.join(own[0].text.split())[:_QUOTED_CHARS]}»")
    return "\n".join(lines).rstrip()


def _distinct_ngrams(read: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """Shares of n-grams that are distinct, on samples with as many words as the smallest column has."""
    size = min(sum(map(len, own)) for own in read.values())
    rows = [
        (f"{n} words", *(f"{_distinct_share(own, n, size):.3f}" for own in read.values())) for n in _NGRAMS
    ]
    note = f"Share of distinct n-grams among all, in samples of {size} words (mean of {_SAMPLES})."
    return f"{note}\n\n{_table(('', *read), rows)}"


def _distinct_share(texts: Sequence[Sequence[str]], n: int, size: int) -> float:
    shares = []
    for sample in range(_SAMPLES):
        left = size
        grams: Counter[tuple[str, ...]] = Counter()
        for i in random.Random(_SEED + sample).sample(range(len(texts)), len(texts)):
            own = texts[i][:left]
            left -= len(own)
            grams.update(tuple(own[k : k + n]) for k in range(len(own) - n + 1))
            if left <= 0:
                break
        shares.append(len(grams) / max(1, grams.total()))
    return float(np.mean(shares))


def _lengths(read: Mapping[str, Sequence[Sequence[str]]]) -> str:
    lengths = {name: [len(own) for own in texts] for name, texts in read.items()}
    rows: list[tuple[object, ...]] = [("comments", *map(len, lengths.values()))]
    rows += [(f"{q} %", *(int(np.percentile(own, q)) for own in lengths.values())) for q in _QUANTILES]
    return _table(("", *lengths), rows)


def _styles(columns: Mapping[str, Sequence[Example]]) -> str:
    rows = [
        (name, *(f"{np.mean([has(e.text) for e in own]):.1%}" for own in columns.values()))
        for name, has in _STYLE.items()
    ]
    return _table(("share of comments with", *columns), rows)


def _coverage(read: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """How much of what the other columns say can be known from the corpus."""
    lemma_of = Lemmatizer().lemma
    lemmas = {word: lemma_of(word) for texts in read.values() for own in texts for word in own}
    documents = Counter(lemma for own in read[CORPUS] for lemma in {lemmas[word] for word in own})
    known = {lemma for lemma, count in documents.items() if count >= MIN_DOCUMENTS["lemmas"]}
    pairs = {pair for own in read[CORPUS] for pair in pairwise(own)}
    lines = [f"The corpus has {len(known)} lemmas in {MIN_DOCUMENTS['lemmas']} comments or more."]
    rows = [
        (
            name,
            f"{np.mean([lemmas[word] in known for own in texts for word in own]):.1%}",
            f"{np.mean([lemma in known for lemma in {lemmas[w] for own in texts for w in own}]):.1%}",
            f"{np.mean([pair in pairs for own in texts for pair in pairwise(own)]):.1%}",
        )
        for name, texts in read.items()
        if name != CORPUS
    ]
    if rows:
        lines += ["", _table(("known of", "words", "distinct lemmas", "pairs of words"), rows)]
    return "\n".join(lines)


def _label_counts(columns: Mapping[str, Sequence[Example]], taxonomy: Taxonomy) -> str:
    counts = {name: Counter(len(example.labels) for example in own) for name, own in columns.items()}
    most = max(max(own) for own in counts.values())
    rows = [
        (number, *(f"{own[number] / own.total():.1%}" for own in counts.values()))
        for number in range(most + 1)
    ]
    rows += [
        (code, *(f"{np.mean([e.label(code) is not None for e in own]):.1%}" for own in columns.values()))
        for code in taxonomy.category_codes
    ]
    return _table(("labels, category", *columns), rows)


def _table(heads: Sequence[object], rows: Iterable[Sequence[object]], text_columns: int = 1) -> str:
    """A Markdown table; the first `text_columns` are text, the others numbers."""
    rule = ["---"] * text_columns + ["---:"] * (len(heads) - text_columns)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (heads, rule, *rows))
