"""One comment at a time: the same reading and the same decisions, without arrays.

Arrays pay from some dozen comments on. For one, each of the some two hundred array operations of
`service.nlp.reading` and `service.nlp.decide` costs as much as the same over a hundred rows; loops over
its twenty words and five categories take a fraction of that. So these two stages are told here a second
time, for one comment, as plain Python; what they know (`Lexicon`, `DecisionRule`) and the scores in between
(`Scorer.score_one`) are the same, and so is what comes out: a test holds one against the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log, tanh

from service.nlp.chunks import LINE_ENDS
from service.nlp.clean import blank_tags
from service.nlp.decide import FIRST_TAG, DecisionRule
from service.nlp.features import Floats
from service.nlp.heads import Heads
from service.nlp.reading import MIN_CLAUSE_WORDS, Lexicon, Piece, Reader
from service.nlp.said import Said, SaidTag
from service.nlp.scorer import WordRows
from service.nlp.segment import QUOTABILITY, Sign

Spans = Sequence[tuple[int, int]]

Logits = list[float]
"""Of all heads."""


@dataclass(frozen=True, slots=True)
class OneReading:
    """A text and its clauses, as `Reading` has them."""

    lexicon: Lexicon[WordRows]
    words: list[int]
    lengths: list[int]
    spans: list[tuple[int, int]]
    """What is quoted of each clause."""


def read_one(reader: Reader[WordRows], text: str) -> OneReading:
    """The words and clauses of `text`."""
    text = blank_tags(text) if "<" in text else text
    chunks, lexicon, found = reader.look_up_one(text)
    places, lines = _find_chunks(text, chunks)
    pieces = [piece for own in found for piece in own]
    owners = [owner for owner, own in enumerate(found) for _ in own]
    words = [piece[0] for piece in pieces if piece[0]]
    lengths: list[int] = []
    spans: list[tuple[int, int]] = []
    for first, stop, length in _clauses(pieces, [lines[owner] for owner in owners]):
        if length:
            opening, closing = _quoted(pieces, first, stop)
            begin, end = (
                places[owners[opening]] + pieces[opening][1],
                places[owners[closing]] + pieces[closing][2],
            )
            lengths.append(length)
            spans.append((begin, end))
    return OneReading(lexicon, words, lengths, spans)


def _find_chunks(text: str, chunks: Sequence[str]) -> tuple[list[int], list[int]]:
    """Where the chunks start, and the number of the line that each stands in."""
    places, lines, at, line = [], [], 0, 0
    for chunk in chunks:
        start = text.find(chunk, at)
        gap = text[at:start]
        if gap not in ("", " "):
            line += sum(character in LINE_ENDS for character in gap)
        places.append(start)
        lines.append(line)
        at = start + len(chunk)
    return places, lines


def _clauses(pieces: Sequence[Piece], lines: Sequence[int]) -> list[tuple[int, int, int]]:
    """First piece, piece behind the last, and number of words of each clause, short ones joined."""
    found: list[list[int]] = []
    sentence_ends, clause_ends = _ends(pieces, lines)
    start = words = in_sentence = 0
    opens = True
    for i, piece in enumerate(pieces):
        words += piece[0] > 0
        if not clause_ends[i]:
            continue
        if opens or (words >= MIN_CLAUSE_WORDS and in_sentence >= MIN_CLAUSE_WORDS):
            found.append([start, words])
        else:
            found[-1][1] += words
        opens = sentence_ends[i]
        in_sentence = 0 if opens else in_sentence + words
        start, words = i + 1, 0
    bounds = [*(start for start, _ in found), len(pieces)]
    return [(start, bounds[i + 1], words) for i, (start, words) in enumerate(found)]


def _ends(pieces: Sequence[Piece], lines: Sequence[int]) -> tuple[list[bool], list[bool]]:
    """Behind which pieces a sentence ends, and behind which a clause does; both end with the text."""
    signs = [piece[3] for piece in pieces] + [0, 0]
    sentence = [
        bool(signs[i] & Sign.SENTENCE_ENDS or (signs[i] & Sign.DOT_ENDS and signs[i + 1] & Sign.CAPITAL))
        for i in range(len(pieces))
    ]
    for i in range(len(pieces) - 1):
        if lines[i] != lines[i + 1]:
            sentence[i] = True
    sentence[-1:] = [True] if pieces else []
    next_ends = [*sentence[1:], True]
    clause = [
        sentence[i]
        or bool(signs[i] & Sign.CLAUSE_ENDS)
        or (signs[i] & Sign.COMMA_ENDS and not _goes_on(signs[i + 1], signs[i + 2], next_ends[i]))
        or bool(signs[i + 1] & Sign.AGAINST and not next_ends[i])
        for i in range(len(pieces))
    ]
    return sentence, clause


def _goes_on(following: int, second: int, ends: bool) -> bool:
    """Whether what follows a comma belongs to what stands before it."""
    return bool(following & Sign.GOES_ON or (following & Sign.SO and second & Sign.AS and not ends))


def _quoted(pieces: Sequence[Piece], start: int, stop: int) -> tuple[int, int]:
    """The first and last piece to quote of a clause."""
    worth = [QUOTABILITY[signs] for _, _, _, signs in pieces[start:stop]]
    best = max(worth)
    least = min(best, 1)
    last = next(i for i in range(len(worth) - 1, -1, -1) if worth[i] >= least)
    return start + worth.index(best), start + last


class OneDecider:
    """Applies a rule to the scores of one comment, as `decide` does to those of many."""

    def __init__(self, heads: Heads, rule: DecisionRule) -> None:
        self._rule = rule
        self._tone = range(len(heads.all))[heads.tone]
        self._polarities: list[list[int]] = heads.polarity_columns.tolist()
        self._aspects = [[c for c in columns if c >= 0] for columns in heads.aspect_columns.tolist()]
        codes = heads.taxonomy.category_codes
        self._by_code = [sorted(codes).index(code) for code in codes]
        """Rank of each category by its code."""
        self.of_nothing = Said((), rule.review_cut > 1.0, 0, 1.0)
        """What is said of a comment without words."""

    def decide(self, whole: Floats, clauses: Floats, spans: Spans, context: int) -> Said:
        """What is said of a comment, from its logits and those of its clauses, of which there are some."""
        shifts = self._rule.tone_shifts[context]
        rows: list[Logits] = clauses.tolist()
        shares: Logits = (self._rule.whole_weight * whole).tolist()
        probabilities = self._probabilities(whole.tolist(), rows)
        stands = max(probabilities) >= FIRST_TAG
        tags: list[tuple[int, SaidTag]] = []
        certainty: list[float] = []
        for category, probability in enumerate(probabilities):
            if stands and probability >= self._rule.thresholds[category]:
                evidence = self._evidence(category, rows)
                pooled = self._pool(shares, [rows[clause] for clause in evidence])
                polarity, sure = self._polarity(category, pooled, shifts)
                said = tuple([spans[clause] for clause in evidence])
                aspect = self._aspect(category, pooled)
                tags.append((evidence[0], SaidTag(category, aspect, polarity, rounded(probability), said)))
                certainty.append(min(probability, sure))
            else:
                certainty.append(1.0 - probability)
        tags.sort(key=lambda tag: (tag[0], self._by_code[tag[1].category]))
        least = min(certainty)
        needs_review = least < self._rule.review_cut
        return Said(tuple([tag for _, tag in tags]), needs_review, certainty.index(least), rounded(least))

    def _probabilities(self, whole: Logits, clauses: Sequence[Logits]) -> list[float]:
        return [
            _probability(weights, whole[category], [clause[category] for clause in clauses])
            for category, weights in enumerate(self._rule.calibration)
        ]

    def _evidence(self, category: int, clauses: Sequence[Logits]) -> list[int]:
        """The clauses that speak of a category."""
        least = min(self._rule.evidence_cuts[category], max(clause[category] for clause in clauses))
        return [i for i, clause in enumerate(clauses) if clause[category] >= least]

    def _pool(self, shares: Logits, evidence: Sequence[Logits]) -> Callable[[int], float]:
        """Gives the logit of a head: the mean of the evidence, and the whole's share."""
        own = 1.0 - self._rule.whole_weight
        return lambda head: shares[head] + own * (sum(clause[head] for clause in evidence) / len(evidence))

    def _polarity(
        self, category: int, pooled: Callable[[int], float], shifts: Sequence[float]
    ) -> tuple[int, float]:
        """The likeliest polarity and its probability."""
        heads = zip(self._polarities[category], self._tone, shifts, strict=True)
        logits = [pooled(own) + pooled(tone) + shift for own, tone, shift in heads]
        highest = max(logits)
        return logits.index(highest), 1.0 / sum(exp(logit - highest) for logit in logits)

    def _aspect(self, category: int, pooled: Callable[[int], float]) -> int:
        """The number of the likeliest aspect, -1 where it is not likely enough or there is none."""
        logits = [pooled(head) for head in self._aspects[category]]
        if not logits or _sigmoid(max(logits)) < self._rule.aspect_cuts[category]:
            return -1
        return logits.index(max(logits))


def _probability(weights: Sequence[float], whole: float, clauses: Logits) -> float:
    """The calibrated probability of a category."""
    highest = max(clauses)
    total = sum(exp(clause - highest) for clause in clauses)
    bias, of_whole, of_highest, of_all = weights
    return _sigmoid(bias + (whole * of_whole + highest * of_highest + (highest + log(total)) * of_all))


def _sigmoid(logit: float) -> float:
    return 0.5 * (1.0 + tanh(0.5 * logit))


def rounded(probability: float) -> float:
    """To four digits, as numpy does it."""
    return round(probability * 10_000.0) / 10_000.0
