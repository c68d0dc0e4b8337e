"""The word vectors that natasha's wheel carries, in the form that the artefact keeps."""

import importlib.util
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from navec import Navec

from service.nlp.features import ASK, Floats, WordVectors
from service.nlp.hashing import Keys, Rows, word_keys
from service.nlp.lemmas import Lemmatizer


@dataclass(frozen=True)
class BundledVectors(WordVectors):
    """Word vectors with what their codes stand for."""

    codebook: Floats
    """Shape (parts, 256, part size): row r is the concatenation of `codebook[q, codes[r, q]]`."""
    words: tuple[str, ...]
    """In the order of the keys."""

    def unpack(self, rows: Rows) -> Floats:
        """The vectors of `rows`, shape (rows, parts × part size); zeros where a row is -1."""
        parts = np.arange(self.codes.shape[1])
        vectors: Floats = self.codebook[parts, self.codes[rows]].reshape(len(rows), -1)
        vectors[rows < 0] = 0.0
        return vectors


@lru_cache(maxsize=1)
def bundled_vectors() -> BundledVectors:
    """navec's 250,000 vectors, made from news; keys are of words with е for ё.

    Where both spellings have a vector, the one with ё is kept: е is mostly the careless form.
    """
    navec = Navec.load(_bundled_file())
    words = [word for word in navec.vocab.words if not word.startswith("<")]
    order = sorted(range(len(words)), key=lambda row: "ё" not in words[row])  # stable: ё first
    keys = word_keys([words[row].replace("ё", "е") for row in order])
    unique, first = np.unique(keys, return_index=True)
    rows = np.array(order)[first]
    return BundledVectors(
        keys=unique,
        codes=np.ascontiguousarray(navec.pq.indexes[rows]),
        lemma_rows=np.full(len(unique), ASK, dtype=np.int32),
        codebook=np.ascontiguousarray(navec.pq.codes, dtype=np.float32),
        words=tuple(words[row].replace("ё", "е") for row in rows.tolist()),
    )


@lru_cache(maxsize=1)
def silent_vectors() -> BundledVectors:
    """The same words with nothing said of any: zeros."""
    vectors = bundled_vectors()
    return replace(vectors, codebook=np.zeros_like(vectors.codebook))


@lru_cache(maxsize=1)
def bundled_lemma_keys() -> Keys:
    """The key of the lemma of each word that has a vector; some seconds of work."""
    lemmatizer = Lemmatizer()
    return word_keys([lemmatizer.lemma(word) for word in bundled_vectors().words])


def _bundled_file() -> Path:
    """Found without importing natasha, whose import costs a second and 170 MB."""
    spec = importlib.util.find_spec("natasha")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("natasha is not installed: run make install")
    return next(Path(spec.origin).parent.glob("data/emb/navec_*.tar"))
