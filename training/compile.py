"""A fitted model as the arrays that the service loads."""

from collections.abc import Sequence

import numpy as np

from service.nlp.features import BLOCKS, Block, Floats, KnownWords, Vocabulary, WordReader, WordVectors
from service.nlp.hashing import KeyIndex, Keys, word_keys
from service.nlp.network import Network
from service.nlp.scorer import Weights
from training.features import BLOCK_WEIGHTS
from training.fit import TwinModel

_WORKED_IN = ("lemma_vectors", "ngram_vectors", "projection")
"""Parameters of the network that stand elsewhere in a compiled model."""


def compile_weights(model: TwinModel, lemma_keys: Keys, words: Sequence[str]) -> Weights:
    """Fold idf and block weights into what one occurrence adds, and word vectors into the network.

    `lemma_keys` are `training.vectors.bundled_lemma_keys`; `words` those that the service is to know
    without asking the dictionary.
    """
    vocabulary, vectors = model.features_.vocabulary_, model.features_.vectors_
    sizes: dict[Block, int] = {
        "lemmas": len(vocabulary.lemma_keys),
        "ngrams": len(vocabulary.ngram_keys),
        "pairs": len(vocabulary.pair_keys),
    }
    lemma_rows = KeyIndex(vocabulary.lemma_keys).find(lemma_keys)
    rows, network = _split(model.linear_.coef_, sizes), model.network_.parameters_
    return Weights(
        vocabulary=Vocabulary(vocabulary.lemma_keys, vocabulary.ngram_keys, vocabulary.pair_keys),
        vectors=WordVectors(vectors.keys, vectors.codes, lemma_rows.astype(np.int32)),
        words=_look_up(words, vectors, model.features_.word_reader()),
        spelling=model.features_.spelling_,
        lemma_rows=np.column_stack([_adds(rows["lemmas"], vocabulary.lemma_idf), network["lemma_vectors"]]),
        ngram_rows=np.column_stack([_adds(rows["ngrams"], vocabulary.ngram_idf), network["ngram_vectors"]]),
        pair_adds=_adds(rows["pairs"], vocabulary.pair_idf),
        biases=model.linear_.intercept_.astype(np.float32),
        network=_compile_network(network, vectors.codebook),
    )


def _look_up(words: Sequence[str], vectors: WordVectors, reader: WordReader) -> KnownWords:
    """What is known of those of `words` that have no vector of their own."""
    keys, first = np.unique(word_keys(words), return_index=True)
    without = KeyIndex(vectors.keys).find(keys) < 0
    lemma_rows, vector_rows = reader.look_up([words[i] for i in first[without].tolist()])
    return KnownWords(keys[without], lemma_rows.astype(np.int32), vector_rows.astype(np.int32))


def _compile_network(parameters: dict[str, Floats], codebook: Floats) -> Network:
    parts, _, size = codebook.shape
    by_part = parameters["projection"].reshape(parts, size, -1)
    part_vectors = np.einsum("pcs,psw->pcw", codebook, by_part).astype(np.float32)
    kept = {name: value for name, value in parameters.items() if name not in _WORKED_IN}
    return Network(part_vectors=part_vectors, **kept)


def _split(weights: Floats, sizes: dict[Block, int]) -> dict[Block, Floats]:
    """Rows of each block, with the weight of the block worked in."""
    bounds = np.cumsum([sizes[block] for block in BLOCKS])[:-1]
    return {
        block: rows * BLOCK_WEIGHTS[block]
        for block, rows in zip(BLOCKS, np.split(weights, bounds), strict=True)
    }


def _adds(rows: Floats, idf: Floats) -> Floats:
    """What an occurrence adds to each head, and to the squared length of its block."""
    adds: Floats = np.column_stack([rows * idf[:, None], np.square(idf)]).astype(np.float32)
    return adds
