"""What the hidden layer hears is the same from tables as worked out anew."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nlp import hearing
from service.nlp.features import Floats
from service.nlp.hashing import Rows
from service.nlp.hearing import Heard, Hearing, number_heard
from service.nlp.network import Network, find_negated, layer_inputs
from service.nlp.runs import Runs

SIZE, HIDDEN, WORDS = 5, 7, 40


def _numbers(*shape: int) -> Floats:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


NETWORK = Network(
    part_vectors=_numbers(1, 256, SIZE),
    window=_numbers(3, SIZE, HIDDEN),
    window_biases=_numbers(HIDDEN),
    negated_weights=_numbers(SIZE, HIDDEN),
    negated_biases=_numbers(HIDDEN),
    clause_weights=_numbers(2 * HIDDEN, 2),
    clause_biases=_numbers(2),
    comment_weights=_numbers(2 * HIDDEN, 2),
    comment_biases=_numbers(2),
)
VECTORS = _numbers(WORDS, SIZE)
NEGATES = np.arange(WORDS) % 9 == 4


@given(st.lists(st.lists(st.integers(1, WORDS - 1), min_size=1, max_size=12), min_size=1, max_size=9))
def test_responses_are_those_of_the_layer(clauses: list[list[int]]) -> None:
    """Each word is heard between its neighbours in its clause, and otherwise behind a negation."""
    words = np.array([word for clause in clauses for word in clause])
    lengths = np.array([len(clause) for clause in clauses])
    negated = find_negated(NEGATES[words], lengths)
    expected = np.maximum(layer_inputs(vars(NETWORK), VECTORS[words], lengths, negated), 0.0)
    heard = Heard.of(Hearing(NETWORK), words, lengths, VECTORS, NEGATES)
    blocks = Runs(lengths).blocks
    for block, responses in zip(blocks, heard.respond(blocks), strict=True):
        assert responses == pytest.approx(expected[block.places], abs=1e-5)
    starts = (np.cumsum(lengths) - lengths).tolist()
    assert heard.respond_one(starts) == pytest.approx(expected, abs=1e-5)


def test_a_full_table_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """When words come that have no room, another table is begun; threads that read the old one read on."""
    monkeypatch.setattr(hearing, "_MAX_WORDS", 12)
    shared = Hearing(NETWORK)

    def check(seed: int) -> None:
        generator = np.random.default_rng(seed)
        for _ in range(200):
            words: Rows = generator.integers(1, WORDS, generator.integers(1, 30))
            table, rows = shared.find(number_heard(words, np.zeros(len(words), bool)), VECTORS)
            biases = (0, NETWORK.window_biases, 0)
            for own, weights, bias in zip(
                (table.left, table.own, table.right), NETWORK.window, biases, strict=True
            ):
                assert own[rows] == pytest.approx(VECTORS[words] @ weights + bias, abs=1e-5)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, range(4)))
