"""One reading of the inputs before the run: where its chunks start, how many rows there are, what repeats."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.backfill.inputs import stamp
from service.backfill.repeats import Repeats
from service.backfill.tagging import Input, comments_of
from service.intake.progress import Progress
from service.intake.rows import Chunk, FileError, Mark
from service.intake.tables import Table
from service.nlp.tagger import Comment

Places = tuple[tuple[int, int, int, int], ...]
"""Of each chunk: number of the input, row and byte where it starts, and how many rows it has."""


@dataclass(frozen=True)
class Watched:
    """A table whose file must not be written to while it is read."""

    table: Table
    stamp: tuple[int, int]
    """As it was before anything of the file was read."""

    def chunks(self, size: int, start: Mark | None = None, index: int = 0) -> Iterator[Chunk]:
        """The chunks of the table. Raises: FileError."""
        for chunk in self.table.chunks(size, start, index):
            self._check()
            yield chunk
        self._check()

    def _check(self) -> None:
        now = stamp(self.table.source)
        if now != self.stamp:
            raise FileError(
                f"{self.table.source.name} was written to while it was read ({self.stamp[0]:,} bytes, then "
                f"{now[0]:,}); give the command again when the file is whole"
            )


def survey(
    watched: Sequence[Watched], inputs: Sequence[Input], chunk_rows: int
) -> tuple[Places, tuple[Comment, ...]]:
    """Where the chunks start, and the comments that repeat. Raises: FileError."""
    places, repeats = [], Repeats()
    with Progress("reading", None) as progress:
        for number, (table, source) in enumerate(zip(watched, inputs, strict=True)):
            for chunk in table.chunks(chunk_rows):
                places.append((number, *chunk.start, len(chunk.rows)))
                repeats.add(comments_of(source, chunk.rows))
                progress.add(len(chunk.rows))
    return tuple(places), tuple(repeats.comments)
