"""What customers read at the end of a case."""

from service.store.cases import State

_THANKS = "Спасибо, что нашли время ответить! Нам важно ваше мнение."
_REVIEW = "Будем благодарны, если вы поделитесь впечатлением и здесь: {url}"


def thanks(state: State, review_url: str) -> str:
    """The words for a customer who is satisfied, or nearly so; empty for others."""
    if state == "satisfied":
        return f"{_THANKS} {_REVIEW.format(url=review_url)}" if review_url else _THANKS
    return _THANKS if state == "passive" else ""
