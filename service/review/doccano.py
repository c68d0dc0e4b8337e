"""doccano: JSON Lines of a sequence labelling project, with labels such as «logistics/deadlines:problem»."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from service.review.exchange import Problem, Returned
from service.review.marks import Mark, MarkError, from_subject, to_marks, to_polarity, to_subject, to_tags
from service.review.queue import Task
from service.store.corrections import NewCorrection

VIA = "doccano"


def to_line(task: Task) -> bytes:
    """A line to import; what is beside text and label becomes meta data and comes back."""
    comment = task.comment
    marks = to_marks(task.proposal or ())
    labels = [[m.start, m.stop, f"{to_subject(m.category, m.aspect)}:{m.polarity}"] for m in marks]
    fields = {"text": comment.text, "label": labels, "comment": comment.id, "revision": comment.revision}
    return orjson.dumps(fields | {"blind": task.blind}, option=orjson.OPT_APPEND_NEWLINE)


def from_lines(lines: Iterable[bytes], author: str) -> Iterator[Returned | Problem | None]:
    """What came back in an export (JSONL)."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _from_line(f"line {number}", line, author)


def _from_line(where: str, line: bytes, author: str) -> Returned | Problem:
    try:
        fields = orjson.loads(line)
        meta = fields | (fields.get("meta") or {})
        labels = fields["label"] if "label" in fields else fields["labels"]
        text = str(fields.get("text", fields.get("data")))
        marks = [_to_mark(*label) for label in labels]
        correction = NewCorrection(
            int(meta["comment"]),
            to_tags(marks),
            author,
            via=VIA,
            blind=bool(meta.get("blind")),
            revision=int(meta["revision"]),
        )
    except orjson.JSONDecodeError:
        return Problem(where, "not a JSON object")
    except MarkError as error:
        return Problem(where, str(error))
    except (KeyError, TypeError, ValueError, AttributeError):
        return Problem(where, "found no text, label, comment and revision; export as JSONL what was imported")
    return Returned(where, correction, text)


def _to_mark(start: Any, stop: Any, label: Any) -> Mark:  # noqa: ANN401  # as it stands in the file
    subject, colon, polarity = str(label).partition(":")
    if not colon:
        raise MarkError(f"found the label «{label}», expected one like «logistics/deadlines:problem»")
    return Mark(int(start), int(stop), *from_subject(subject), to_polarity(polarity))
