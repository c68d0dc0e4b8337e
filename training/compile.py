"""A fitted model as the arrays that the service loads."""

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from service.nlp.features import BLOCKS, Block, Floats
from service.nlp.scorer import Weights
from training.features import BLOCK_WEIGHTS


def compile_weights(pipeline: Pipeline) -> Weights:
    """Fold idf, block weights and word vectors into what one occurrence of a feature adds."""
    features, heads = pipeline.named_steps["features"], pipeline.named_steps["heads"]
    vocabulary, vectors = features.vocabulary_, features.vectors_
    parts, _, size = vectors.codebook.shape
    rows = _split(
        heads.coef_,
        {
            "lemmas": len(vocabulary.lemma_keys),
            "ngrams": len(vocabulary.ngram_keys),
            "vectors": parts * size,
            "pairs": len(vocabulary.pair_keys),
        },
    )
    by_part = rows["vectors"].reshape(parts, size, -1)
    return Weights(
        vocabulary=vocabulary,
        vectors=vectors,
        lemma_adds=_adds(rows["lemmas"], vocabulary.lemma_idf),
        ngram_adds=_adds(rows["ngrams"], vocabulary.ngram_idf),
        pair_adds=_adds(rows["pairs"], vocabulary.pair_idf),
        vector_adds=np.einsum("pcs,psh->pch", vectors.codebook, by_part).astype(np.float32),
        vector_squares=np.square(vectors.codebook).sum(axis=2),
        biases=heads.intercept_.astype(np.float32),
    )


def _split(weights: NDArray[np.float64], sizes: dict[Block, int]) -> dict[Block, NDArray[np.float64]]:
    """Rows of each block, with the weight of the block worked in."""
    bounds = np.cumsum([sizes[block] for block in BLOCKS])[:-1]
    return {
        block: rows * BLOCK_WEIGHTS[block]
        for block, rows in zip(BLOCKS, np.split(weights, bounds), strict=True)
    }


def _adds(rows: NDArray[np.float64], idf: Floats) -> Floats:
    adds: Floats = (rows * idf[:, None]).astype(np.float32)
    return adds
