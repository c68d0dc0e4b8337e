"""What the factory's people, and its customers, read of a case."""

from service.delivery.words import describe, tag_name
from service.nlp.tagger import Result
from service.store.cases import State

_THANKS = "Спасибо, что нашли время ответить! Нам важно ваше мнение."
_REVIEW = "Будем благодарны, если вы поделитесь впечатлением и здесь: {url}"


def task_title(deal: str, score: int | None, result: Result | None) -> str:
    """A task's title: what the trouble is, whose deal, how low the score.

    >>> task_title("Станок для «Вектора»", 3, None)
    'Недовольный клиент (оценка 3): Станок для «Вектора»'
    """
    troubles = [tag_name(tag.title, tag.polarity) for tag in (result.tags if result else ())
                if tag.polarity == "problem"]  # fmt: skip
    about = f" — {', '.join(troubles)}" if troubles else ""
    return f"Недовольный клиент (оценка {score}): {deal}{about}"


def task_text(text: str | None, score: int | None, result: Result | None) -> str:
    """A task's text: the customer's own words, what they are about, whose they are, which KPI they move."""
    said = f"«{text}»" if text else "без комментария"
    lines = [f"Клиент поставил {score} из 10: {said}"]
    if result and result.tags:
        lines += ["", describe(result)]
    lines += ["", "Свяжитесь с клиентом, разберитесь в причине и напишите здесь, что сделано."]
    return "\n".join(lines)


def thanks(state: State, review_url: str) -> str:
    """The words for a customer who is satisfied, or nearly so; empty for others."""
    if state == "satisfied":
        return f"{_THANKS} {_REVIEW.format(url=review_url)}" if review_url else _THANKS
    return _THANKS if state == "passive" else ""
