"""Which answer of a survey is the score and which the comment, where only its author knows the names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.intake.cells import parse_score

_SCALES = frozenset(
    {"opinion_scale", "linear_scale", "rating", "scale", "nps", "number", "matrix", "numeric"}
)
_FREE_TEXT = frozenset(
    {
        "",
        "text",
        "long_text",
        "short_text",
        "textarea",
        "input_text",
        "free_response",
        "paragraph",
        "string",
        "opentext",
    }
)
_RECOMMENDS = re.compile(r"порекоменд|рекомендов|recommend|\bnps\b", re.I)
_SCORES = re.compile(r"\b(nps\w*|score|оценк\w+|балл\w*|rating)\b|nps|_score", re.I)
_COMMENTS = re.compile(
    r"почему|коммент|отзыв|причин|улучш|расскажите|пожелан|\bwhy\b|comment|feedback|reason|improve|\btext\b|текст",
    re.I,
)
_CONTACTS = re.compile(r"e-?mail|почт|телефон|phone|respondent|respondid", re.I)
_NO_COMMENT = re.compile(
    r"(\b|_)(id|ид|token|date|дата|время|time|url|utm\w*|name|имя|фио|event|type|source|status)$", re.I
)
_CONTACT_KINDS = frozenset({"email", "input_email", "phone_number", "input_phone_number"})
_WORDS = re.compile(r"[а-яё]|\w+\s+\w+\s+\w+", re.I)
"""In an answer to a question of unknown sense: Russian letters, or three words of any language."""
_LOOKS_LIKE_DATA = re.compile(r"\S*@\S+\.\S+|https?://\S+|[+\d][\d\s().:/TZ+-]*|[\w.:-]*\d[\w.:-]*", re.I)


@dataclass(frozen=True)
class Question:
    """A question of a survey with its answer."""

    key: str
    label: str = ""
    kind: str = ""
    """The platform's word for the type of question, in lower case."""
    value: Any = None

    def names(self) -> tuple[str, str]:
        """What the settings may call it."""
        return self.key.strip().casefold(), self.label.strip().casefold()

    @property
    def asked(self) -> str | None:
        """What was asked, where that is known: some platforms have texts for keys."""
        return self.label or (self.key if " " in self.key.strip() else None)

    @property
    def wording(self) -> str:
        """What is asked, or else what the question is called."""
        return self.label or self.key


def guess_score(questions: Sequence[Question]) -> Question | None:
    """The question that asks for 0 to 10: by its kind «nps», by its wording, or the only scale."""
    best = max(questions, key=_score_likeness, default=None)
    return best if best and _score_likeness(best) else None


def guess_text(questions: Sequence[Question]) -> Question | None:
    """The open question that was answered at most length, those before all that ask for a comment."""
    open_ones = [question for question in questions if _is_open(question)]
    return max(open_ones, key=lambda q: (bool(_COMMENTS.search(q.wording)), len(str(q.value))), default=None)


def guess_respondent(questions: Sequence[Question]) -> Question | None:
    """The question that asks for an address or a number."""
    return next(
        (q for q in questions if q.value and (q.kind in _CONTACT_KINDS or _CONTACTS.search(q.wording))), None
    )


def _score_likeness(question: Question) -> int:
    value = (
        question.value[0] if isinstance(question.value, list) and len(question.value) == 1 else question.value
    )
    if isinstance(value, bool | dict | list) or not _is_score(value):
        return 0
    if question.kind == "nps" or _RECOMMENDS.search(question.wording):
        return 3
    if _SCORES.search(question.wording):
        return 2
    return 1 if question.kind in _SCALES else 0


def _is_score(value: object) -> bool:
    try:
        return parse_score(value) is not None
    except ValueError:
        return False


def _is_open(question: Question) -> bool:
    value = question.value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str) or not value.strip() or question.kind not in _FREE_TEXT:
        return False
    if _COMMENTS.search(question.wording):
        return True
    if _CONTACTS.search(question.wording) or _NO_COMMENT.search(question.wording):
        return False
    return bool(_WORDS.search(value)) and not _LOOKS_LIKE_DATA.fullmatch(value.strip())
