"""A small network that reads words in their neighbourhood.

Word sums cannot tell «не работает» from «работает не хуже». Here each word is a vector (the sum
of vectors of its lemma, of its n-grams, and of a projection of its word vector); a hidden layer
sees each word between its two neighbours; the strongest and the mean response of each hidden unit
over a clause, or over the whole comment, give the logits of all heads. What a word is as a vector
is worked out once a word, like the word sums of `service.nlp.scorer`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.nlp.features import Floats
from service.nlp.hashing import Rows


@dataclass(frozen=True)
class Network:
    """Weights; rows of lemmas and n-grams are those of the model's vocabulary."""

    lemma_vectors: Floats
    """Shape (lemmas, size)."""
    ngram_vectors: Floats
    """Shape (n-grams, size)."""
    part_vectors: Floats
    """What each code of each part of a word vector adds, shape (parts, 256, size)."""
    window: Floats
    """Weights of left neighbour, word and right neighbour, shape (3, size, hidden)."""
    window_biases: Floats
    """Shape (hidden,)."""
    clause_weights: Floats
    """From strongest and mean responses to logits, shape (2 × hidden, heads)."""
    clause_biases: Floats
    """Shape (heads,)."""
    comment_weights: Floats
    """The same for whole comments."""
    comment_biases: Floats
    """Shape (heads,)."""


def respond(network: Network, words: Floats, lengths: Rows) -> Floats:
    """Responses of the hidden layer to each word of consecutive clauses of `lengths` words.

    `words` has shape (words, size); the result has shape (words, hidden).
    """
    inputs = window_inputs(network.window, network.window_biases, words, lengths)
    responses: Floats = np.maximum(inputs, 0.0, out=inputs)
    return responses


def window_inputs(window: Floats, biases: Floats, words: Floats, lengths: Rows) -> Floats:
    """What the hidden layer hears at each word: the word and its neighbours, weighted, and the biases."""
    joined = same_clause(lengths)
    left, own, right = (words @ weights for weights in window)
    inputs: Floats = own + biases
    inputs[1:] += left[:-1] * joined
    inputs[:-1] += right[1:] * joined
    return inputs


def same_clause(lengths: Rows) -> NDArray[np.bool_]:
    """Whether each word but the last has its right neighbour in its clause, shape (words - 1, 1)."""
    clause = np.repeat(np.arange(len(lengths)), lengths)
    same: NDArray[np.bool_] = (clause[:-1] == clause[1:])[:, None]
    return same


def pool(responses: Floats, lengths: Rows) -> Floats:
    """Strongest response, and sum over √length, of each run of `lengths` words; zeros for none.

    Shape (runs, 2 × hidden).
    """
    width = responses.shape[1]
    pooled = np.zeros((len(lengths), 2 * width), dtype=responses.dtype)
    filled = lengths > 0
    if filled.any():
        starts = (np.cumsum(lengths) - lengths)[filled]
        pooled[filled, :width] = np.maximum.reduceat(responses, starts)
        pooled[filled, width:] = np.add.reduceat(responses, starts)
        pooled[filled, width:] /= np.sqrt(lengths[filled], dtype=responses.dtype)[:, None]
    return pooled
