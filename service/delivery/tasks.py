"""Tasks in Bitrix24 for those who answer for a customer's trouble; each is given once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from service.clients.bitrix24 import Bitrix24Api
from service.clients.connections import Tasks
from service.delivery.words import TagView, describe, tag_names
from service.store.comments import StoredComment


def give_tasks(
    portal: Bitrix24Api,
    place: tuple[int, int],
    case: str,
    title: str,
    comment: StoredComment,
    tags: Sequence[TagView],
    rule: Tasks,
    now: datetime,
) -> None:
    """A task at the item of `place` for each head who answers for a problem; else for the head of all.

    `case` names what the tasks are about; each carries it as a tag, and one that is there is not given again.
    """
    heads = find_heads(tags, rule) or [rule.head]
    for head in heads:
        mark = f"otklik-{case}-{head}"
        if portal.find_tasks(*place, mark):
            continue
        portal.add_task(
            *place,
            task_title(title, comment.score, tags),
            task_text(comment.text, comment.score, tags),
            head,
            now + timedelta(days=rule.task_days),
            ["NPS", mark],
        )


def find_heads(tags: Sequence[TagView], rule: Tasks) -> Sequence[int]:
    """The heads of the departments that the problems belong to, each once."""
    departments = [
        tag["departments"][0]["code"]  # the first named answers, the others help
        for tag in tags
        if tag["polarity"] == "problem" and tag["departments"]
    ]
    return list(dict.fromkeys(rule.heads[code] for code in departments if code in rule.heads))


def task_title(deal: str, score: int | None, tags: Sequence[TagView]) -> str:
    """A task's title: how low the score, whose deal, what the trouble is.

    >>> task_title("Станок для «Вектора»", 3, [])
    'Недовольный клиент (оценка 3): Станок для «Вектора»'
    """
    troubles = tag_names([tag for tag in tags if tag["polarity"] == "problem"])
    about = f" — {', '.join(troubles)}" if troubles else ""
    rated = "без оценки" if score is None else f"оценка {score}"
    return f"Недовольный клиент ({rated}): {deal}{about}"


def task_text(text: str | None, score: int | None, tags: Sequence[TagView]) -> str:
    """A task's text: the customer's own words, what they are about, whose they are, which KPI they move."""
    said = f"«{text}»" if text else "без комментария"
    lines = [f"Клиент написал: {said}" if score is None else f"Клиент поставил {score} из 10: {said}"]
    if tags:
        lines += ["", describe(tags)]
    lines += ["", "Свяжитесь с клиентом, разберитесь в причине и напишите здесь, что сделано."]
    return "\n".join(lines)
