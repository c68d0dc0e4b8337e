"""A fitted model as the arrays that the service loads."""

import numpy as np

from service.nlp.features import BLOCKS, Block, Floats, WordVectors
from service.nlp.hashing import KeyIndex, Keys
from service.nlp.network import Network
from service.nlp.scorer import Weights
from training.features import BLOCK_WEIGHTS
from training.fit import TwinModel


def compile_weights(model: TwinModel, lemma_keys: Keys) -> Weights:
    """Fold idf and block weights into what one occurrence adds, and word vectors into the network.

    `lemma_keys` are `training.vectors.bundled_lemma_keys`.
    """
    vocabulary, vectors = model.features_.vocabulary_, model.features_.vectors_
    sizes: dict[Block, int] = {
        "lemmas": len(vocabulary.lemma_keys),
        "ngrams": len(vocabulary.ngram_keys),
        "pairs": len(vocabulary.pair_keys),
    }
    lemma_rows = KeyIndex(vocabulary.lemma_keys).find(lemma_keys)
    rows = _split(model.linear_.coef_, sizes)
    return Weights(
        vocabulary=vocabulary,
        vectors=WordVectors(vectors.keys, vectors.codes, lemma_rows.astype(np.int32)),
        spelling=model.features_.spelling_,
        lemma_adds=_adds(rows["lemmas"], vocabulary.lemma_idf),
        ngram_adds=_adds(rows["ngrams"], vocabulary.ngram_idf),
        pair_adds=_adds(rows["pairs"], vocabulary.pair_idf),
        biases=model.linear_.intercept_.astype(np.float32),
        network=_compile_network(model.network_.parameters_, vectors.codebook),
    )


def _compile_network(parameters: dict[str, Floats], codebook: Floats) -> Network:
    parts, _, size = codebook.shape
    by_part = parameters["projection"].reshape(parts, size, -1)
    part_vectors = np.einsum("pcs,psw->pcw", codebook, by_part).astype(np.float32)
    kept = {name: value for name, value in parameters.items() if name != "projection"}
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
