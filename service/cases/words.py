"""What the factory's people, and its customers, read of a case."""

from collections.abc import Sequence

from service.delivery.words import TagView, describe, tag_names
from service.store.cases import State

_THANKS = "Спасибо, что нашли время ответить! Нам важно ваше мнение."
_REVIEW = "Будем благодарны, если вы поделитесь впечатлением и здесь: {url}"


def task_title(deal: str, score: int | None, tags: Sequence[TagView]) -> str:
    """A task's title: what the trouble is, whose deal, how low the score.

    >>> task_title("Станок для «Вектора»", 3, [])
    'Недовольный клиент (оценка 3): Станок для «Вектора»'
    """
    troubles = tag_names([tag for tag in tags if tag["polarity"] == "problem"])
    about = f" — {', '.join(troubles)}" if troubles else ""
    return f"Недовольный клиент (оценка {score}): {deal}{about}"


def task_text(text: str | None, score: int | None, tags: Sequence[TagView]) -> str:
    """A task's text: the customer's own words, what they are about, whose they are, which KPI they move."""
    said = f"«{text}»" if text else "без комментария"
    lines = [f"Клиент поставил {score} из 10: {said}"]
    if tags:
        lines += ["", describe(tags)]
    lines += ["", "Свяжитесь с клиентом, разберитесь в причине и напишите здесь, что сделано."]
    return "\n".join(lines)


def thanks(state: State, review_url: str) -> str:
    """The words for a customer who is satisfied, or nearly so; empty for others."""
    if state == "satisfied":
        return f"{_THANKS} {_REVIEW.format(url=review_url)}" if review_url else _THANKS
    return _THANKS if state == "passive" else ""
