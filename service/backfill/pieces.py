"""The pieces that are left to do, and the loop that has them done and commits each."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import groupby

from service.backfill.engines import Engine
from service.backfill.plan import TEXTS_A_PIECE, Plan
from service.backfill.repeats import as_tagged
from service.backfill.survey import Watched
from service.backfill.tagging import Input, Part, Rows, Texts, comments_of, read_texts
from service.backfill.work_folder import Entry, WorkFolder
from service.intake.progress import Progress
from service.intake.rows import Chunk, FileError, Mark, Row
from service.nlp.context import plain_context
from service.nlp.errors import OtklikError
from service.nlp.tagger import Comment

_MAX_DEATHS = 3
"""Times in a row that workers may die before the run gives up."""


def text_pieces(plan: Plan, done: Collection[int]) -> Iterator[Texts]:
    """The repeated comments that are still to be tagged."""
    for index, comments in enumerate(_repeats(plan)):
        if index not in done:
            yield Texts(index, comments)


def row_pieces(
    plan: Plan, watched: Sequence[Watched], inputs: Sequence[Input], folder: WorkFolder, done: Collection[int]
) -> Iterator[Rows]:
    """The chunks that are still to be done, read from the first of them on. Raises: FileError."""
    known = _known(plan, folder)
    texts = frozenset(comment.text for comment in known)
    done = frozenset(done)  # it grows while the pieces are done
    for number, group in groupby(range(len(plan.chunks)), key=lambda i: plan.chunks[i][0]):
        left = [i for i in group if plan.text_pieces + i not in done]
        if not left:
            continue
        start = Mark(*plan.chunks[left[0]][1:3])
        for chunk in watched[number].chunks(plan.chunk_rows, start, left[0]):
            if plan.text_pieces + chunk.index not in done:
                _check_rows(plan, chunk, inputs[number])
                own = _known_of(inputs[number], chunk, known, texts)
                yield Rows(plan.text_pieces + chunk.index, number, chunk.rows, own)
            if chunk.index == left[-1]:
                break


@dataclass
class Runner:
    """Has pieces done, several at once, and commits each as it comes back."""

    engine: Engine
    folder: WorkFolder
    progress: Progress
    entries: dict[int, Entry]
    """The finished pieces, those of earlier runs among them."""
    _under_way: dict["Future[Part]", Texts | Rows] = field(default_factory=dict)
    _deaths: int = 0

    def do(self, pieces: Iterable[Texts | Rows]) -> None:
        """Do and commit all `pieces`. Raises: OtklikError; OSError, when a part cannot be written."""
        for piece in pieces:
            self._submit(piece)
            while len(self._under_way) >= self.engine.window:
                self._commit_next()
        while self._under_way:
            self._commit_next()

    def _submit(self, piece: Texts | Rows) -> None:
        try:
            self._under_way[self.engine.submit(piece)] = piece
        except self.engine.deaths:
            self._recover(piece)

    def _commit_next(self) -> None:
        finished, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
        future = next(iter(finished))
        piece = self._under_way.pop(future)
        try:
            part = future.result()
        except self.engine.deaths:
            self._recover(piece)
            return
        self.entries[part.index] = self.folder.commit(part.index, part.files, part.totals.to_json())
        self.progress.add(part.done)
        self._deaths = 0

    def _recover(self, piece: Texts | Rows) -> None:
        """Begin anew what was under way when workers died."""
        self._deaths += 1
        if self._deaths > _MAX_DEATHS:
            raise OtklikError(
                f"the workers died {self._deaths} times in a row (killed for want of memory?); give fewer "
                "--workers: the same command goes on"
            )
        again = [piece]
        if self.engine.all_are_lost:
            again += self._under_way.values()
            self._under_way.clear()
        self.engine.recover()
        for lost in again:
            self._submit(lost)


def _repeats(plan: Plan) -> Iterator[tuple[Comment, ...]]:
    for start in range(0, len(plan.repeats), TEXTS_A_PIECE):
        pairs = plan.repeats[start : start + TEXTS_A_PIECE]
        yield tuple(Comment(text, *plain_context(context)) for text, context in pairs)


def _known(plan: Plan, folder: WorkFolder) -> dict[Comment, bytes]:
    known: dict[Comment, bytes] = {}
    for index, comments in enumerate(_repeats(plan)):
        packed = read_texts(folder.part(index, "texts").read_bytes())
        known.update(zip(comments, packed, strict=True))
    return known


def _known_of(
    source: Input, chunk: Chunk, known: dict[Comment, bytes], texts: frozenset[str]
) -> dict[Comment, bytes]:
    """What is known of the comments of a chunk."""
    rows = [row for row in chunk.rows if isinstance(row, Row) and source.reader.text(row) in texts]
    comments = map(as_tagged, comments_of(source, rows))
    return {comment: known[comment] for comment in comments if comment in known}


def _check_rows(plan: Plan, chunk: Chunk, source: Input) -> None:
    expected = plan.chunks[chunk.index][3]
    if len(chunk.rows) != expected:
        raise FileError(
            f"{source.name}: found {len(chunk.rows)} rows from row {chunk.start.number} on, there were "
            f"{expected} when the run was planned; --restart begins anew"
        )
