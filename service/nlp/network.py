"""A small network that reads words in their neighbourhood.

Word sums cannot tell «не работает» from «работает не хуже». Here each word is a vector (the sum
of vectors of its lemma, of its n-grams, and of a projection of its word vector); a hidden layer
sees each word between its two neighbours; the strongest and the mean response of each hidden unit
over a clause, or over the whole comment, give the logits of all heads. What a word is as a vector
is worked out once a word, like the word sums of `service.nlp.scorer`.

A negation turns round words that are not its neighbours («не такая уж и быстрая»), so the layer hears
a word that stands in the scope of one through further weights of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.runs import Runs

NEGATIONS = frozenset(
    {"не", "ни", "нет", "без", "никто", "никогда", "ничего", "нельзя", "никак", "никаких", "никакой"}
    | {"никакого", "нету", "ниразу", "нечего", "некому", "нигде"}
)
"""Words that turn round what follows them."""

NEGATION_REACH = 3
"""How many words a negation turns round, in its clause."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Network:
    """Weights; the vectors of lemmas and n-grams stand in `service.nlp.scorer.Weights`."""

    part_vectors: Floats
    """What each code of each part of a word vector adds, shape (parts, 256, size)."""
    window: Floats
    """Weights of left neighbour, word and right neighbour, shape (3, size, hidden)."""
    window_biases: Floats
    """Shape (hidden,)."""
    negated_weights: Floats
    """What a word in the scope of a negation adds, shape (size, hidden)."""
    negated_biases: Floats
    """Shape (hidden,)."""
    clause_weights: Floats
    """From strongest and mean responses to logits, shape (2 × hidden, heads)."""
    clause_biases: Floats
    """Shape (heads,)."""
    comment_weights: Floats
    """The same for whole comments."""
    comment_biases: Floats
    """Shape (heads,)."""


def project(network: Network, vectors: Floats, left: Floats, own: Floats, right: Floats) -> None:
    """Write what each word tells the hidden layer as left neighbour, as itself (with biases), as right one.

    `vectors` has shape (words, size), what is written (words, hidden). As all of it is linear, this is worked
    out once a word: what the layer hears at a place is then a sum of three rows.
    """
    for weights, out in zip(network.window, (left, own, right), strict=True):
        np.matmul(vectors, weights, out=out)
    own += network.window_biases


def negate(network: Network, vectors: Floats) -> Floats:
    """What words add in the scope of a negation, shape (words, hidden)."""
    added: Floats = vectors @ network.negated_weights + network.negated_biases
    return added


def find_negated(negates: Flags, lengths: Rows) -> Flags:
    """Which words stand in the scope of a negation.

    `negates` tells of each word whether it is of `NEGATIONS`; a negation is never in the scope of another.

    >>> find_negated(np.array([0, 1, 0, 0, 0, 0, 0], bool), np.array([4, 3])).astype(int).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    if not negates.any():
        return negates
    clause = Runs(lengths).owners
    negated = np.zeros(len(negates), dtype=np.bool_)
    for distance in range(1, NEGATION_REACH + 1):
        negated[distance:] |= negates[:-distance] & (clause[distance:] == clause[:-distance])
    return negated & ~negates


def layer_inputs(parameters: Mapping[str, Floats], words: Floats, lengths: Rows, negated: Flags) -> Floats:
    """What the hidden layer hears at each word: the word and its neighbours, weighted, and the biases.

    `parameters` are those of `Network`, by name.
    """
    joined = same_clause(lengths)
    left, own, right = (words @ weights for weights in parameters["window"])
    inputs: Floats = own + parameters["window_biases"]
    inputs[negated] += words[negated] @ parameters["negated_weights"] + parameters["negated_biases"]
    inputs[1:] += left[:-1] * joined
    inputs[:-1] += right[1:] * joined
    return inputs


def same_clause(lengths: Rows) -> Flags:
    """Whether each word but the last has its right neighbour in its clause, shape (words - 1, 1)."""
    clause = Runs(lengths).owners
    same: Flags = (clause[:-1] == clause[1:])[:, None]
    return same


def pool(responses: Floats, lengths: Rows) -> Floats:
    """Strongest response, and sum over √length, of each run of `lengths` words; zeros for none.

    Shape (runs, 2 × hidden).
    """
    runs = Runs(lengths)
    return np.concatenate([runs.max(responses), share(runs.sum(responses), lengths)], axis=1)


def share(sums: Floats, lengths: Rows) -> Floats:
    """`sums` over runs of `lengths` words as the logits are made of them: divided by √length."""
    shares: Floats = sums / np.sqrt(np.maximum(lengths, 1), dtype=sums.dtype)[:, None]
    return shares
