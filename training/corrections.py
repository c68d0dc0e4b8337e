"""What people corrected in the store, as examples to learn from beside the corpus.

A line of the file is a comment, `{"id", "text", "labels": [{"category", "aspect", "polarity", "evidence"}]}`,
with all that people said of it in `readings: [{"by", "labels"}]`, as `otklik store export-corrections`
writes it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from service.nlp.errors import OtklikError
from service.nlp.heads import Polarity
from service.nlp.taxonomy import Taxonomy
from training.corpus import CORRECTIONS, Example, Label, parse_corpus, read_jsonl
from training.split import text_key


def read_corrections(path: Path, taxonomy: Taxonomy) -> list[Example]:
    """The corrected comments of `path`, as examples by `CORRECTIONS`.

    Raises: CorpusError, OtklikError naming file and line of every mistake.
    """
    if not path.is_file():
        raise OtklikError(f"{path}: found no such file; otklik store export-corrections {path} writes it")
    return [
        replace(example, author=CORRECTIONS, world="corrections") for example in read_jsonl(path, taxonomy)
    ]


def read_gold(path: Path, taxonomy: Taxonomy) -> list[Example]:
    """The gold comments of a file, or of a folder: `*.txt` in the corpus notation and `*.jsonl`.

    None where there is nothing. Raises: CorpusError.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    found: list[Example] = []
    for file in files:
        if file.suffix == ".jsonl":
            found += read_jsonl(file, taxonomy)
        elif file.suffix == ".txt":
            found += parse_corpus(file.read_text(encoding="utf-8"), taxonomy, file.name)
    return found


def mix(corpus: Sequence[Example], corrections: Sequence[Example], gold: Sequence[Example]) -> list[Example]:
    """The comments to learn from: a correction takes the place of corpus comments with its text.

    Nothing of the gold set is learned from, whoever else has written it too.
    """
    settled = [_settle(group) for group in _by_text(corrections)]
    corrected = {text_key(example.text) for example in settled}
    kept = [example for example in corpus if text_key(example.text) not in corrected]
    frozen = {text_key(example.text) for example in gold}
    return [example for example in (*kept, *settled) if text_key(example.text) not in frozen]


def _by_text(examples: Iterable[Example]) -> list[list[Example]]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[text_key(example.text)].append(example)
    return list(groups.values())


def _settle(group: list[Example]) -> Example:
    """One example of comments with the same text: what more than half of them say; the rest is left open."""
    if len(group) == 1:
        return group[0]
    said = {label.category for example in group for label in example.labels}
    labels: list[Label] = []
    optional = set[str]().union(*(example.optional for example in group))
    for category in sorted(said):
        [(view, voices)] = Counter(_view(example, category) for example in group).most_common(1)
        if voices * 2 <= len(group):
            optional.add(category)
        elif view is not None:
            labels.append(Label(category, *view))
    kept = {label.category for label in labels}
    fullest = max(group, key=lambda example: (_shared(example, labels), len(example.marks)))
    marks = tuple(mark for mark in fullest.marks if mark.label in labels)
    return replace(fullest, labels=tuple(labels), marks=marks, optional=frozenset(optional - kept))


def _view(example: Example, category: str) -> tuple[str | None, Polarity | None] | None:
    label = example.label(category)
    return (label.aspect, label.polarity) if label else None


def _shared(example: Example, labels: Sequence[Label]) -> int:
    return len(set(example.labels) & set(labels))
