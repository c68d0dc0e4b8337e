"""What a training run may be told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PROJECT = Path(__file__).resolve().parent.parent

Part = Literal["pairs", "ngrams", "vectors", "spelling", "negations", "turns", "clauses"]
"""What a fit can be told to do without: a block of features, the word vectors, reading mistyped words as
those meant, the network's weights for negated words, the turns of speech of the lexicon, or the clauses
(each comment then counts as a single one)."""


@dataclass(frozen=True)
class TrainingSettings:
    """Where things are and how the model is fitted; passed whole."""

    corpus: Path = PROJECT / "data" / "corpus"
    """Folder of corpus files, one an author."""
    taxonomy: Path = PROJECT / "data" / "taxonomy.yaml"
    lexicon: Path = PROJECT / "data" / "lexicon"
    """Folder of plain turns of speech with their labels."""
    checklist: Path = PROJECT / "data" / "checklist"
    """Folder of behavioural cases."""
    second: Path = PROJECT / "data" / "second"
    """Folder of comments as two readers labelled them, each without sight of the other."""
    keywords: Path = PROJECT / "data" / "keywords.yaml"
    """Word stems a category, for the keyword baseline."""
    models: Path = PROJECT / "models"
    corrections: Path | None = None
    """Corrected comments as `otklik store export-corrections` writes them."""
    gold: Path = PROJECT / "data" / "gold"
    """Labelled comments that no model learns from: a file, or a folder of files."""
    reports: Path = PROJECT / "var" / "reports"
    """Where pages are written."""
    trials: Path = PROJECT / "var" / "trials"
    """Where fits for tables keep what they said, to go on from."""
    environments: Path = PROJECT / "var" / "bench"
    """Where programs of others are installed to be measured beside ours."""
    seed: int = 20261121
    folds: int = 3
    category_c: float = 0.5
    """Inverse penalty of the heads that find a category; higher fits the corpus closer."""
    polarity_c: float = 0.5
    """The same for the heads of polarity and aspect."""
    max_iterations: int = 60
    tolerance: float = 1e-2
    network_size: int = 48
    """Numbers in a word's vector."""
    network_hidden: int = 96
    """Units of the hidden layer."""
    network_epochs: int = 6
    network_batch: int = 128
    """Comments in a batch."""
    network_rate: float = 3e-3
    network_dropout: float = 0.3
    without: tuple[Part, ...] = ()
    """Left out to see what it brings (`training.ablation`); a model that is served has every part."""
    jobs: int = 2
    """Fits under way at once, each in a process of its own; the result does not depend on it."""
