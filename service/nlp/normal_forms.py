"""The normal form of pymorphy3's likeliest parse of a word, without the rest of what it works out.

`MorphAnalyzer.parse(word)[0].normal_form` makes all parses of a word, of which a lemma needs the first.
Which one that is follows from the order that pymorphy3 puts them in:

* of a word in the dictionary, the parse with the highest P(tag | word), or the first where none is known;
* else, behind a prefix that is often put before words («супер»), the first productive parse of the rest;
* else, behind any one to five letters, the first productive parse of a rest that is in the dictionary;
* else the most frequent productive parse of the words that share the longest ending;
* of two words with a hyphen between them, the first parses that agree in part of speech, number, case, person
  and tense, or else the first of the second word.

Productive are the parts of speech that new words belong to. Dictionary, prefixes and endings are those of
pymorphy3, which is asked itself for all that does not consist of Russian letters.

Source: M. Korobov, Morphological Analyzer and Generator for Russian and Ukrainian Languages, AIST 2015.
"""

import re
from functools import lru_cache
from itertools import product
from operator import itemgetter

from pymorphy3 import MorphAnalyzer
from pymorphy3.dawg import PredictionSuffixesDAWG
from pymorphy3.opencorpora_dict.wrapper import Dictionary
from pymorphy3.units.by_analogy import KnownPrefixAnalyzer, KnownSuffixAnalyzer
from pymorphy3.units.by_hyphen import (
    HyphenAdverbAnalyzer,
    HyphenatedWordsAnalyzer,
    HyphenSeparatedParticleAnalyzer,
)
from pymorphy3.utils import word_splits

_Parse = tuple[str, int, int]
"""A form of a word, the number of its paradigm, and its place in that."""

_LETTERS = re.compile(r"[а-яё]{3,}")
"""Shorter words may be abbreviations too."""
_HYPHENATED = re.compile(r"[а-яё]+-[а-яё]+")
_MAX_FEATURES = 1_024
"""Kept of so many tags."""


class NormalForms:
    """Reads the dictionary (30 MB) when it is made."""

    def __init__(self) -> None:
        self._morph = MorphAnalyzer(result_type=None)
        self._dictionary = self._morph.dictionary
        self._substitutes = self._morph.char_substitutes
        self._probabilities = self._morph.prob_estimator.p_t_given_w
        self._tags = _ProductiveTags(self._dictionary)
        units = {type(unit.analyzer): unit.analyzer for unit in self._morph._units}
        self._prefixes = units[KnownPrefixAnalyzer]
        self._endings = units[KnownSuffixAnalyzer]
        self._particles = units[HyphenSeparatedParticleAnalyzer]
        self._adverbs = units[HyphenAdverbAnalyzer]
        self._hyphens = units[HyphenatedWordsAnalyzer]
        self._features = lru_cache(_MAX_FEATURES)(self._hyphens._similarity_features)

    def has(self, word: str) -> bool:
        """Whether the dictionary has a lower-case `word`."""
        is_known: bool = self._morph.word_is_known(word)
        return is_known

    def of(self, word: str) -> str:
        """That of a lower-case `word`, whatever it consists of.

        >>> forms = NormalForms()
        >>> [forms.of(word) for word in ("сроками", "суперсроками", "бутявками", "dn50")]
        ['срок', 'суперсрок', 'бутявка', 'dn50']
        """
        is_letters = _LETTERS.fullmatch(word)
        if not is_letters and not _HYPHENATED.fullmatch(word):
            return self._ask(word)
        if parses := self._look_up(word):
            return self._form(self._likeliest(word, parses))
        if self._has_probabilities(word):
            return self._ask(word)
        return self._guess(word) if is_letters else self._join(word)

    def _guess(self, word: str) -> str:
        """That of a word which the dictionary has not."""
        found = self._behind_known_prefix(word) or self._behind_any_prefix(word) or self._by_ending(word)
        return found or word

    def _ask(self, word: str) -> str:
        return str(self._morph.parse(word)[0][2])

    def _behind_known_prefix(self, word: str) -> str | None:
        for prefix, rest in self._prefixes.possible_splits(word):
            parses = self._look_up(rest)
            if not parses:
                return str(prefix + self.of(rest))
            if productive := self._productive(parses):
                return str(prefix + self._form(self._likeliest(rest, productive)))
        return None

    def _behind_any_prefix(self, word: str) -> str | None:
        for prefix, rest in word_splits(word):
            if productive := self._productive(self._look_up(rest)):
                return str(prefix + self._form(productive[0]))
        return None

    def _by_ending(self, word: str) -> str | None:
        """By share of the parses that go with the same prefix of a paradigm («по», «наи», or none)."""
        if len(word) < self._endings.min_word_length:
            return None
        shares: dict[tuple[str, int, int], tuple[float, _Parse]] = {}
        for _, _, endings in self._endings._possible_prefixes(word):
            found = self._parse_by_ending(word, endings)
            total = 1 + sum(count for count, _ in found)
            for count, parse in found:
                form, paradigm, place = parse
                shares.setdefault((form, paradigm, self._tags[paradigm, place]), (count / total, parse))
        return self._form(max(shares.values(), key=itemgetter(0))[1]) if shares else None

    def _parse_by_ending(self, word: str, endings: PredictionSuffixesDAWG) -> list[tuple[int, _Parse]]:
        """The productive parses with the longest ending that has one, and how frequent each is."""
        for length in self._endings._prediction_splits:
            start, end = word[:-length], word[-length:]
            if found := [
                (count, (start + ending, paradigm, place))
                for ending, parses in endings.similar_items(end, self._substitutes)
                for count, paradigm, place in parses
                if self._tags[paradigm, place]
            ]:
                return found
        return []

    def _join(self, word: str) -> str:
        """That of two words with a hyphen, which the dictionary has not together."""
        for rest, particle in self._particles.possible_splits(word):
            return str(self.of(rest) + particle)
        if self._adverbs.should_parse(word) or not self._hyphens._should_parse(word):
            return self._ask(word)
        left, right = word.split("-")
        lefts, rights = (
            [parse for parse in self._morph.parse(part) if not parse[1]._is_unknown()]
            for part in (left, right)
        )
        for ours, theirs in product(lefts, rights):
            if self._features(ours[1]) == self._features(theirs[1]):
                return f"{ours[2]}-{theirs[2]}"
        return f"{left}-{rights[0][2]}" if rights else self._ask(word)

    def _look_up(self, word: str) -> list[_Parse]:
        """The parses of a word in the dictionary; none where it has it not."""
        found = self._dictionary.words.similar_items(word, self._substitutes)
        return [(form, *place) for form, places in found for place in places]

    def _productive(self, parses: list[_Parse]) -> list[_Parse]:
        return [parse for parse in parses if self._tags[parse[1:]]]

    def _likeliest(self, word: str, parses: list[_Parse]) -> _Parse:
        """The one with the highest P(tag | word), the first of several."""
        if len(parses) == 1 or not self._has_probabilities(word):
            return parses[0]
        tag, probability = self._dictionary.build_tag_info, self._probabilities.prob
        return max(parses, key=lambda parse: probability(word, tag(*parse[1:])))

    def _has_probabilities(self, word: str) -> bool:
        return bool(self._probabilities.has_keys_with_prefix(f"{word}:"))

    def _form(self, parse: _Parse) -> str:
        form, paradigm, place = parse
        return str(self._dictionary.build_normal_form(paradigm, place, form))


class _ProductiveTags(dict[tuple[int, int], int]):
    """The tag that each paradigm has at each place, by number from 1; 0 where it is not productive.

    Filled as they are asked for: `is_productive` compares sets.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary

    def __missing__(self, key: tuple[int, int]) -> int:
        paradigm, place = key
        tags = self._dictionary.paradigms[paradigm]
        number = tags[len(tags) // 3 + place]
        self[key] = number + 1 if self._dictionary.gramtab[number].is_productive() else 0
        return self[key]
