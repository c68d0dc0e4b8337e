"""Many texts read at once: words and clauses as arrays, each distinct chunk worked out once.

A chunk is what stands between two blanks («хорошо,»). Survey answers of a year hold few distinct
ones beside all that are typed, and nearly all that reading has to find out (the repaired letters,
the words, where statements end) can be seen in the chunk alone (`service.nlp.segment`). A `Lexicon`
keeps it as rows of numbers. Reading a batch is then: find the chunks (`service.nlp.chunks`), look each
one up, gather its rows, and decide over whole arrays what two neighbours can only tell together.

The texts themselves are never altered, so that offsets stay those of the text as typed.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.nlp.chunks import Chunks, count_until, find_chunks
from service.nlp.clean import blank_tags
from service.nlp.hashing import Keys, KeyTable, Rows
from service.nlp.segment import QUOTABILITY, Sign, pieces
from service.nlp.spans import Span
from service.nlp.tables import with_room

MAX_CHUNKS = 120_000
MAX_WORDS = 60_000
_MAX_NAMED = 10_000
_KEPT = 0.7
"""Share of the bounds that is kept of a lexicon that is full: what goes is mostly what was met once."""

MIN_CLAUSE_WORDS = 2
"""A piece between commas with fewer words («быстро, вежливо») stays with its neighbour."""

_FIELDS = ("word", "start", "stop", "signs")
_PIECE = np.dtype([(name, "i4") for name in _FIELDS])

_QUOTABILITY = np.frombuffer(QUOTABILITY, dtype=np.int8)

Piece = tuple[int, int, int, int]
"""Word, start, stop, signs: a row of that type."""

Flags = NDArray[np.bool_]
Signs = NDArray[np.int16]
"""Bits of `Sign`."""


class WordStore(Protocol):
    """What a user of the words keeps of each, in the order of their numbers."""

    def add(self, words: Sequence[str]) -> None:
        """Keep what is needed of new words."""

    def keep(self, numbers: Rows) -> Self:
        """A store of these words alone, numbered anew."""


Store = TypeVar("Store", bound=WordStore)


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement: its words in lower case, and what is quoted of it, in the text as typed."""

    words: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Reading(Generic[Store]):
    """n texts that have m clauses in all."""

    lexicon: "Lexicon[Store]"
    words: Rows
    """Numbers in the lexicon of the words of all clauses, one clause after the other."""
    lengths: Rows
    """Words of each clause, all above zero, shape (m,)."""
    counts: Rows
    """Clauses of each text, shape (n,)."""
    starts: Rows
    stops: Rows
    """What is quoted of each clause, in its text as typed, shape (m,)."""

    def clauses(self) -> list[list[Clause]]:
        """The clauses of each text."""
        names = self.lexicon.words
        ends = np.cumsum(self.lengths)
        words = [names[number] for number in self.words.tolist()]
        found = [
            Clause(tuple(words[end - length : end]), Span(start, stop))
            for end, length, start, stop in zip(
                ends.tolist(), self.lengths.tolist(), self.starts.tolist(), self.stops.tolist(), strict=True
            )
        ]
        bounds = np.cumsum(self.counts).tolist()
        return [found[end - count : end] for end, count in zip(bounds, self.counts.tolist(), strict=True)]


class Lexicon(Generic[Store]):
    """What is known of each chunk met so far. Grows; rows once added stay as they are."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.chunks = KeyTable()
        self.words = [""]
        """By number; 0 is that of no word."""
        self.named: dict[str, list[Piece]] = {}
        """Pieces of chunks that were asked for by name, some of them."""
        self._numbers = {"": 0}
        self._pieces = np.empty(1_024, dtype=_PIECE)
        self._first = np.zeros(1_024, dtype=np.int64)
        """The first piece of each chunk, and behind the last chunk the number of pieces."""
        self._uses = np.zeros(1_024, dtype=np.int64)

    def add(self, keys: Keys, chunks: Sequence[str]) -> None:
        """Work out new `chunks`; other threads find them only when all is known of them."""
        known_words, known, n_pieces = len(self.words), len(self.chunks), int(self._first[len(self.chunks)])
        found = [pieces(chunk) for chunk in chunks]
        ends = n_pieces + np.cumsum([len(own) for own in found])
        fields = list(zip(*chain.from_iterable(found), strict=True)) or [()] * len(_FIELDS)
        words = self._number(fields[0])
        self.store.add(self.words[known_words:])
        self._pieces = with_room(self._pieces, n_pieces + len(words))
        self._first = with_room(self._first, known + len(chunks) + 1)
        self._uses = with_room(self._uses, known + len(chunks))
        for name, column in zip(_FIELDS, (words, *fields[1:]), strict=True):
            self._pieces[name][n_pieces : n_pieces + len(words)] = column
        self._first[known + 1 : known + len(chunks) + 1] = ends
        self.chunks.add(keys)

    def use(self, numbers: Rows) -> None:
        """Note that these chunks stood in a batch."""
        self._uses[numbers] += 1

    def pieces(self, numbers: Rows) -> tuple[NDArray[np.void], Rows]:
        """The pieces of chunks one after the other, and which of the chunks each is of."""
        first = self._first[numbers]
        counts = self._first[numbers + 1] - first
        owners = np.repeat(np.arange(len(numbers)), counts)
        within = np.arange(len(owners)) - (np.cumsum(counts) - counts)[owners]
        return self._pieces[first[owners] + within], owners

    def name(self, chunks: Sequence[str], numbers: Rows) -> list[list[Piece]]:
        """The pieces of each of `chunks`, which have these numbers; kept in `named`."""
        found, owners = self.pieces(numbers)
        rows: list[Piece] = found.tolist()
        ends = np.cumsum(np.bincount(owners, minlength=len(numbers))).tolist()
        own = [rows[start:end] for start, end in pairwise([0, *ends])]
        if len(self.named) > _MAX_NAMED:
            self.named = {}
        self.named.update(zip(chunks, own, strict=True))
        return own

    def most_used(self, n_chunks: int, n_words: int) -> "Lexicon[Store]":
        """A lexicon of the chunks that stood in most batches, at most so many, numbered anew."""
        uses = self._uses[: len(self.chunks)]
        kept = np.sort(self._with_words(np.argsort(-uses, kind="stable")[:n_chunks], n_words))
        found, owners = self.pieces(kept)
        words, numbers = np.unique(np.append(found["word"], 0), return_inverse=True)
        fewer = Lexicon(self.store.keep(words.astype(np.int64)))
        fewer.chunks.add(self.chunks.keys[kept])
        fewer.words = [self.words[word] for word in words.tolist()]
        fewer._numbers = {word: number for number, word in enumerate(fewer.words)}
        fewer._pieces = found.copy()
        fewer._pieces["word"] = numbers[:-1]
        fewer._first = np.append(0, np.cumsum(np.bincount(owners, minlength=len(kept))))
        fewer._uses = uses[kept] // 2
        return fewer

    def _with_words(self, numbers: Rows, n_words: int) -> Rows:
        """The first of the chunks, as many as have `n_words` words among them."""
        found, owners = self.pieces(numbers)
        _, first = np.unique(found["word"], return_index=True)
        return numbers if len(first) <= n_words else numbers[: owners[np.sort(first)[n_words]]]

    def _number(self, words: Sequence[str]) -> list[int]:
        """The number of each of `words`; new ones get the next."""
        numbers = []
        for word in words:
            number = self._numbers.setdefault(word, len(self.words))
            if number == len(self.words):
                self.words.append(word)
            numbers.append(number)
        return numbers


class Reader(Generic[Store]):
    """Reads batches of texts. Safe to use from several threads at once; bounded in memory."""

    def __init__(
        self, new_store: Callable[[], Store], max_chunks: int = MAX_CHUNKS, max_words: int = MAX_WORDS
    ) -> None:
        self._max_chunks = max_chunks
        self._max_words = max_words
        self._lexicon = Lexicon(new_store())
        self._lock = threading.Lock()

    def read(self, texts: Sequence[str]) -> Reading[Store]:
        """The words and clauses of `texts`, any strings; the same one by one or in a batch."""
        joined = "\n".join(texts)
        if "<" in joined:
            texts = [blank_tags(text) for text in texts]
            joined = "\n".join(texts)
        chunks = find_chunks(joined)
        lexicon, numbers = self._look_up(joined, chunks)
        pieces, owners = lexicon.pieces(numbers)
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        offsets = np.cumsum(lengths + 1) - lengths - 1
        text_of = count_until(chunks.starts, offsets) - 1
        found = _Clauses.of(pieces, chunks.lines[owners])
        first, last = found.quoted
        places = (chunks.starts - offsets[text_of])[owners]
        return Reading(
            lexicon=lexicon,
            words=pieces["word"][pieces["word"] > 0].astype(np.int64),
            lengths=found.lengths,
            counts=np.bincount(text_of[owners[first]], minlength=len(texts)),
            starts=places[first] + pieces["start"][first],
            stops=places[last] + pieces["stop"][last],
        )

    def look_up_one(self, text: str) -> tuple[list[str], Lexicon[Store], list[list[Piece]]]:
        """The chunks of a text without markup, a lexicon of them, and the pieces of each.

        For so few, a dictionary beats arrays: the lexicon keeps those that it was asked for so.
        """
        chunks = text.split()
        lexicon = self._lexicon
        try:
            return chunks, lexicon, [lexicon.named[chunk] for chunk in chunks]
        except KeyError:
            lexicon, numbers = self._look_up(text, find_chunks(text))
            return chunks, lexicon, lexicon.name(chunks, numbers)

    def _look_up(self, text: str, chunks: Chunks) -> tuple[Lexicon[Store], Rows]:
        """A lexicon that has all `chunks` of the `text`, and their numbers in it."""
        lexicon = self._lexicon
        numbers = lexicon.chunks.find(chunks.keys)
        if (numbers < 0).any():
            lexicon = self._learn(text, chunks)
            numbers = lexicon.chunks.find(chunks.keys)
        lexicon.use(numbers)
        return lexicon, numbers

    def _learn(self, text: str, chunks: Chunks) -> Lexicon[Store]:
        """A lexicon that has all `chunks`; one that grows past the bounds is used only once."""
        with self._lock:
            lexicon = self._lexicon
            missing = _missing(chunks, lexicon)
            if not self._has_room(lexicon, len(missing)):
                lexicon = lexicon.most_used(int(self._max_chunks * _KEPT), int(self._max_words * _KEPT))
                missing = _missing(chunks, lexicon)
            keep = self._has_room(lexicon, len(missing))
            lexicon.add(chunks.keys[missing], chunks.texts(text, missing))
            if keep:
                self._lexicon = lexicon
            return lexicon

    def _has_room(self, lexicon: Lexicon[Store], n: int) -> bool:
        return len(lexicon.chunks) + n <= self._max_chunks and len(lexicon.words) + n <= self._max_words


@dataclass(frozen=True)
class _Clauses:
    """The clauses that have words, from the pieces of texts that are separated by line ends."""

    lengths: Rows
    """Words of each."""
    quoted: tuple[Rows, Rows]
    """The first and the last piece that is quoted of each."""

    @classmethod
    def of(cls, pieces: NDArray[np.void], lines: Rows) -> "_Clauses":
        """`lines` has the number of the line that each piece stands in."""
        if not len(pieces):
            none = np.empty(0, dtype=np.int64)
            return cls(none, (none, none))
        signs = pieces["signs"].astype(np.int16)
        sentence_ends, clause_ends = _find_ends(signs, lines)
        starts, lengths = _join_short(pieces["word"] > 0, sentence_ends, clause_ends)
        first, last = _find_quoted(signs, starts)
        return cls(lengths[lengths > 0], (first[lengths > 0], last[lengths > 0]))


def _find_ends(signs: Signs, lines: Rows) -> tuple[Flags, Flags]:
    """Behind which pieces a sentence ends, and behind which a clause does."""
    following = _shift(signs, 0)
    sentence = _shift(lines, -1) != lines
    sentence |= signs & Sign.SENTENCE_ENDS > 0
    sentence |= (signs & Sign.DOT_ENDS > 0) & (following & Sign.CAPITAL > 0)
    next_ends = _shift(sentence, True)
    so_as = (following & Sign.SO > 0) & (_shift(following, 0) & Sign.AS > 0) & ~next_ends
    comma = (signs & Sign.COMMA_ENDS > 0) & (following & Sign.GOES_ON == 0) & ~so_as
    against = (following & Sign.AGAINST > 0) & ~next_ends
    return sentence, sentence | comma | against | (signs & Sign.CLAUSE_ENDS > 0)


def _shift(array: Any, last: int) -> Any:  # noqa: ANN401  # any kind of array, and the same comes back
    """What stands behind each element, and `last` behind the last."""
    shifted = np.empty_like(array)
    shifted[:-1] = array[1:]
    shifted[-1] = last
    return shifted


def _join_short(is_word: Flags, sentence_ends: Flags, clause_ends: Flags) -> tuple[Rows, Rows]:
    """First pieces and numbers of words of the clauses, short ones joined to their neighbours.

    A boundary stays where at least `MIN_CLAUSE_WORDS` words follow up to the next one, and as many
    precede it in the sentence: those since the last boundary that stayed are then enough, too.
    """
    starts = np.append(0, np.flatnonzero(clause_ends[:-1]) + 1)
    words = np.add.reduceat(is_word, starts, dtype=np.int64)
    opens_sentence = np.append(True, sentence_ends[starts[1:] - 1])
    before = np.cumsum(words) - words
    in_sentence = before - np.maximum.accumulate(np.where(opens_sentence, before, 0))
    stays = opens_sentence | ((words >= MIN_CLAUSE_WORDS) & (in_sentence >= MIN_CLAUSE_WORDS))
    return starts[stays], np.add.reduceat(words, np.flatnonzero(stays))


def _find_quoted(signs: Signs, starts: Rows) -> tuple[Rows, Rows]:
    """The first and last piece to quote of each clause: without conjunctions at its beginning, and
    without bare punctuation, unless there is nothing else.
    """
    worth = _QUOTABILITY.take(signs)
    best = np.maximum.reduceat(worth, starts)
    stops = np.append(starts[1:], len(signs))
    best_of = np.repeat(best, stops - starts)
    may_open = np.flatnonzero(worth >= best_of)
    may_close = np.flatnonzero(worth >= np.minimum(best_of, 1))
    return may_open[np.searchsorted(may_open, starts)], may_close[np.searchsorted(may_close, stops) - 1]


def _missing(chunks: Chunks, lexicon: Lexicon[Store]) -> Rows:
    """The chunks that the lexicon has not, each once."""
    return chunks.first(np.flatnonzero(lexicon.chunks.find(chunks.keys) < 0))
