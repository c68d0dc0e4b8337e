"""Chunks of a text are found where Python splits it, and named so that equal ones meet."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.nlp.chunks import LINE_ENDS, find_chunks

TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="абв \n\t\u00a0\u2028,.", max_size=80),
    st.lists(st.text(alphabet="аб", min_size=60, max_size=70), max_size=4).map(" ".join),
)


@given(TEXTS)
def test_chunks_are_those_of_split(text: str) -> None:
    """They stand where `str.split` finds them, and in the lines that the text has."""
    chunks = find_chunks(text)
    assert chunks.texts(text, np.arange(len(chunks.starts))) == text.split()
    lines = [sum(character in LINE_ENDS for character in text[:start]) for start in chunks.starts.tolist()]
    assert chunks.lines.tolist() == lines


@given(TEXTS)
def test_equal_chunks_and_no_others_have_one_key(text: str) -> None:
    """Wherever it stands, and however long it is, a chunk has its key."""
    named = list(zip(text.split(), find_chunks(text).keys.tolist(), strict=True))
    assert len(set(named)) == len({chunk for chunk, _ in named}) == len({key for _, key in named})
    assert all(find_chunks(f"да\n{chunk} нет").keys[1] == key for chunk, key in named)


@given(TEXTS)
def test_first_chunks_are_each_once(text: str) -> None:
    """Repetitions are left out, and the order stays."""
    chunks = find_chunks(text)
    assert chunks.texts(text, chunks.first(np.arange(len(chunks.keys)))) == list(dict.fromkeys(text.split()))
