"""Plain turns of speech, each with what it says: the part of the language that no one lists in full.

A corpus of particular people's comments is rich in facts and poor in the plain words that stand in
every survey («долгая доставка», «цены кусаются»). The files of `data/lexicon/` list such turns, a
label and its turns a line:

    logistics/deadlines -: долгая доставка | везут вечность
    problem: ужасно | отвратительно

With a category the label is the corpus's; `problem`, `praise` and `neutral` alone give only the
tone, whatever the subject. The model learns from them beside the comments; nothing is measured on them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.nlp.heads import POLARITIES
from service.nlp.spans import Span
from service.nlp.taxonomy import Taxonomy
from training.corpus import CorpusError, Example, Label, Mark, parse_tag
from training.units import UnitSet, read_units


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of speech; `label.category` is empty where only the tone is known."""

    text: str
    label: Label


def read_lexicon(folder: Path, taxonomy: Taxonomy) -> list[Turn]:
    """All turns of the `.txt` files of `folder`; none when there is no such folder.

    Raises:
        CorpusError: with file and line of the first mistake.
    """
    return [turn for path in sorted(folder.glob("*.txt")) for turn in _read_file(path, taxonomy)]


def _read_file(path: Path, taxonomy: Taxonomy) -> Iterator[Turn]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        head, colon, turns = line.partition(":")
        if not colon:
            raise CorpusError(f"{path}:{number}: found no «:», expected «label: turn | turn»")
        try:
            label = _read_head(head.strip(), taxonomy)
        except CorpusError as error:
            raise CorpusError(f"{path}:{number}: {error}") from None
        yield from (Turn(turn.strip(), label) for turn in turns.split("|") if turn.strip())


def _read_head(head: str, taxonomy: Taxonomy) -> Label:
    for polarity in POLARITIES:
        if head == polarity:
            return Label("", None, polarity)
    return parse_tag(head, taxonomy)[0]


def add_turns(units: UnitSet, turns: Sequence[Turn], taxonomy: Taxonomy) -> UnitSet:
    """`units` and, as further comments, `turns`; a mere tone teaches nothing of the categories."""
    unknown = frozenset(taxonomy.category_codes)
    examples = [
        Example(
            text=turn.text,
            labels=(turn.label,),
            marks=(Mark(Span(0, len(turn.text)), turn.label),),
            optional=frozenset() if turn.label.category else unknown,
        )
        for turn in turns
    ]
    return units.join(read_units(examples))
