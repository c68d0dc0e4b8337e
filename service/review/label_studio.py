"""Label Studio: the labelling interface, tasks with predictions, annotations back (its JSON format).

Each mark is two results of one region: `tag` (what the words are about) and `polarity` (asked a region).
Offsets are code points, as Label Studio keeps them; where a version counts otherwise, the words that it gives
beside them decide.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from service.nlp.taxonomy import Taxonomy
from service.review.exchange import Problem, Returned
from service.review.marks import Mark, MarkError, from_subject, to_marks, to_polarity, to_subject, to_tags
from service.review.queue import Task
from service.store.corrections import NewCorrection
from service.store.predictions import StoredTag

VIA = "label-studio"
_POLARITY_TITLES = {"problem": "Проблема", "praise": "Похвала", "neutral": "Нейтрально"}
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf")


def interface(taxonomy: Taxonomy) -> str:
    """The labelling interface (Settings → Labeling Interface → Code) for the tags of `taxonomy`."""
    labels = "\n".join(_labels(taxonomy))
    choices = "\n".join(
        f"    <Choice value={quoteattr(title)} alias={quoteattr(code)}/>"
        for code, title in _POLARITY_TITLES.items()
    )
    return f"""<View>
  <Header value="Оценка: $score"/>
  <Labels name="tag" toName="text">
{labels}
  </Labels>
  <Text name="text" value="$text" granularity="word"/>
  <Choices name="polarity" toName="text" perRegion="true" required="true" choice="single-radio">
{choices}
  </Choices>
</View>
"""


def _labels(taxonomy: Taxonomy) -> Iterator[str]:
    for number, category in enumerate(taxonomy.categories):
        colour = _COLOURS[number % len(_COLOURS)]
        titles = [
            (None, category.title),
            *((a.code, f"{category.title}: {a.title}") for a in category.aspects),
        ]
        for aspect, title in titles:
            alias = to_subject(category.code, aspect)
            values = {"value": title, "alias": alias, "background": colour}
            yield f"    <Label {' '.join(f'{name}={quoteattr(own)}' for name, own in values.items())}/>"


def to_task(task: Task, model: str) -> dict[str, Any]:
    """A task to import; a blind one brings no prediction."""
    comment = task.comment
    text = comment.text or ""
    out: dict[str, Any] = {
        "data": {
            "text": text,
            "score": "" if comment.score is None else str(comment.score),
            "question": comment.question or "",
            "comment": comment.id,
            "revision": comment.revision,
            "blind": task.blind,
        }
    }
    if task.proposal is not None:
        result = to_results(task.proposal, text)
        out["predictions"] = [{"model_version": model, "score": comment.certainty, "result": result}]
    return out


def to_results(tags: Iterable[StoredTag], text: str) -> list[dict[str, Any]]:
    """Tags as the `result` of a prediction."""
    return [result for number, mark in enumerate(to_marks(tags)) for result in _to_pair(number, mark, text)]


def from_tasks(tasks: Iterable[Any], author: str | None) -> Iterator[Returned | Problem | None]:
    """What came back in an export (JSON): each annotation of each task, in order."""
    for number, task in enumerate(tasks, 1):
        where = f"task {task.get('id', number)}" if isinstance(task, dict) else f"task {number}"
        try:
            annotations = [a for a in task["annotations"] if not a.get("was_cancelled")]
            data = task["data"]
        except (KeyError, TypeError, AttributeError):
            yield Problem(where, "found no data and annotations; export as JSON, not as JSON-MIN")
            continue
        if not annotations:
            yield None
        for annotation in annotations:
            yield from_annotation(where, data, annotation, author)


def from_annotation(
    where: str, data: Mapping[str, Any], annotation: Mapping[str, Any], author: str | None
) -> Returned | Problem:
    """One person's annotation of one task; `author` is used where the tool knows no e-mail address."""
    try:
        text = str(data["text"])
        marks = _to_marks(annotation["result"], text)
        correction = NewCorrection(
            int(data["comment"]),
            to_tags(marks),
            _author(annotation, author),
            via=VIA,
            blind=bool(data.get("blind")),
            revision=int(data["revision"]),
        )
    except MarkError as error:
        return Problem(where, str(error))
    except (KeyError, TypeError, ValueError, AttributeError):
        reason = "found no comment and revision in its data; import tasks that otklik review export has made"
        return Problem(where, reason)
    return Returned(where, correction, text)


def _author(annotation: Mapping[str, Any], author: str | None) -> str:
    by = annotation.get("completed_by")
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    if isinstance(by, str) and by:
        return by[:200]
    return author or f"{VIA}:{by}"


def _to_pair(number: int, mark: Mark, text: str) -> Iterator[dict[str, Any]]:
    region = {"start": mark.start, "end": mark.stop, "text": text[mark.start : mark.stop]}
    common = {"id": f"otklik-{number}", "to_name": "text"}
    subject = to_subject(mark.category, mark.aspect)
    yield {**common, "from_name": "tag", "type": "labels", "value": {**region, "labels": [subject]}}
    yield {
        **common,
        "from_name": "polarity",
        "type": "choices",
        "value": {**region, "choices": [mark.polarity]},
    }


def _to_marks(results: Sequence[Mapping[str, Any]], text: str) -> list[Mark]:
    polarities = {r["id"]: r["value"]["choices"][0] for r in results if r.get("from_name") == "polarity"}
    marks = []
    for result in results:
        if result.get("from_name") != "tag":
            continue
        start, stop = _span(result["value"], text)
        polarity = polarities.get(result["id"])
        if polarity is None:
            raise MarkError(f"«{text[start:stop]}» has no polarity; choose one for each marked piece")
        marks += [
            Mark(start, stop, *from_subject(label), to_polarity(polarity))
            for label in result["value"]["labels"]
        ]
    return marks


def _span(value: Mapping[str, Any], text: str) -> tuple[int, int]:
    """The code points of a region; a version that counts UTF-16 units is known by the words beside."""
    start, stop = int(value["start"]), int(value["end"])
    words = value.get("text")
    if not words or text[start:stop] == words:
        return start, stop
    units = text.encode("utf-16-le")
    if units[2 * start : 2 * stop].decode("utf-16-le", "replace") == words:
        before = len(units[: 2 * start].decode("utf-16-le"))
        return before, before + len(words)
    found = text.find(words)
    if found < 0 or text.find(words, found + 1) >= 0:
        raise MarkError(f"found «{words}» at {start}–{stop}, where the text has «{text[start:stop]}»")
    return found, found + len(words)
