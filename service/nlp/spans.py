"""Pieces of text as half-open intervals of code points."""

from typing import NamedTuple


class Span(NamedTuple):
    """The piece `text[start:stop]` of a text; offsets count code points.

    >>> Span(9, 15).of("Нагрубил курьер")
    'курьер'
    """

    start: int
    stop: int

    @property
    def length(self) -> int:
        """In code points."""
        return self.stop - self.start

    def of(self, text: str) -> str:
        """The characters of `text` that the span covers."""
        return text[self.start : self.stop]

    def overlap(self, other: "Span") -> int:
        """How many characters both spans cover.

        >>> Span(0, 5).overlap(Span(3, 9))
        2
        """
        return max(0, min(self.stop, other.stop) - max(self.start, other.start))


def trim(text: str, span: Span, unwanted: str) -> Span:
    """`span` without the characters of `unwanted` at its ends.

    >>> trim("  да! ", Span(0, 6), " !").of("  да! ")
    'да'
    """
    start, stop = span.start, span.stop
    while start < stop and text[start] in unwanted:
        start += 1
    while stop > start and text[stop - 1] in unwanted:
        stop -= 1
    return Span(start, stop)
