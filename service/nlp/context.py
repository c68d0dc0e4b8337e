"""What is known of a comment before it is read: the score that came with it, and what was asked.

«Сроки» says nothing of good or bad. As an answer to «Что нам улучшить?» it is a problem, after a 10 it is
more likely praise. Score and question only lean on the sign, by as much as held-out comments show; where
there is none, the words alone decide.
"""

import re
from functools import lru_cache
from typing import Literal, get_args

NpsGroup = Literal["detractor", "passive", "promoter"]
Asked = Literal["faults", "praise"]

GROUPS: tuple[NpsGroup | None, ...] = (None, *get_args(NpsGroup))
ASKED: tuple[Asked | None, ...] = (None, *get_args(Asked))
CONTEXTS = len(GROUPS) * len(ASKED)

_FAULTS = re.compile(
    r"улучш|не\s+(?:по)?нрав|не\s+так|не\s+хват|не\s+устро|недостат|минус|проблем|измени|исправ|меша|разочар|огорч"
)
_PRAISE = re.compile(r"нрав|достоинств|плюс|хорош|цените|радует|рады|довольны|удобн")


def nps_group(score: int | None) -> NpsGroup | None:
    """The group of a 0–10 score by the Net Promoter System: 9–10, 7–8, 0–6.

    >>> [nps_group(score) for score in (10, 8, 6, None)]
    ['promoter', 'passive', 'detractor', None]
    """
    if score is None:
        return None
    if score >= 9:
        return "promoter"
    return "passive" if score >= 7 else "detractor"


@lru_cache(maxsize=1_000)
def asked_for(question: str | None) -> Asked | None:
    """Whether a question asks for faults or for praise; None where for either, or for something else.

    >>> [asked_for(q) for q in ("Что нам улучшить?", "Что понравилось больше всего?", "Почему такая оценка?")]
    ['faults', 'praise', None]
    >>> [asked_for(q) for q in ("Что вам не понравилось?", "Плюсы и минусы", None)]
    ['faults', None, None]
    """
    rest, n_faults = _FAULTS.subn("", (question or "").lower())
    asks_praise = bool(_PRAISE.search(rest))
    if bool(n_faults) == asks_praise:
        return None
    return "faults" if n_faults else "praise"


@lru_cache(maxsize=10_000)
def context_of(score: int | None, question: str | None) -> int:
    """The number of what is known: 0 for nothing, else below `CONTEXTS`.

    >>> context_of(None, None), context_of(10, None), context_of(10, "Что улучшить?")
    (0, 3, 7)
    """
    return ASKED.index(asked_for(question)) * len(GROUPS) + GROUPS.index(nps_group(score))


def plain_context(context: int) -> tuple[int | None, str | None]:
    """A score and a question of that context.

    >>> all(context_of(*plain_context(context)) == context for context in range(CONTEXTS))
    True
    """
    asked, group = divmod(context, len(GROUPS))
    return (None, 0, 7, 9)[group], (None, "Что улучшить?", "Что понравилось?")[asked]
