"""A small network that reads words in their neighbourhood.

Word sums cannot tell «не работает» from «работает не хуже». Here each word is a vector (the sum
of vectors of its lemma, of its n-grams, and of a projection of its word vector); a hidden layer
sees each word between its two neighbours; the strongest and the mean response of each hidden unit
over a clause, or over the whole comment, give the logits of all heads. What a word is as a vector
is worked out once a word, like the word sums of `service.nlp.scorer`.
"""

from dataclasses import dataclass

import numpy as np

from service.nlp.features import Floats
from service.nlp.hashing import Rows

WINDOW = 3
"""A word with its left and its right neighbour, within the clause."""


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
    clause = np.repeat(np.arange(len(lengths)), lengths)
    joined = (clause[:-1] == clause[1:])[:, None]
    left, own, right = (words @ weights for weights in network.window)
    total = own + network.window_biases
    total[1:] += left[:-1] * joined
    total[:-1] += right[1:] * joined
    responses: Floats = np.maximum(total, 0.0, out=total)
    return responses


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
