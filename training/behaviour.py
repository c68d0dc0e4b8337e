"""Behavioural tests: what a model must be able to do, capability by capability, as data.

After Ribeiro et al., «Beyond Accuracy: Behavioral Testing of NLP Models with CheckList» (ACL 2020):
minimum functionality (a text and the tags it must have), invariance (a text written otherwise keeps
its tags) and direction (a complaint added adds its tag). The cases are in `data/checklist/`, which
explains their form.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from service.nlp.errors import OtklikError
from service.nlp.heads import POLARITIES
from service.nlp.tagger import Comment, Result, Tagger
from service.nlp.taxonomy import Taxonomy

Kind = Literal["minimum", "invariance", "directional"]
Tags = frozenset[tuple[str, str]]
"""Category and polarity of each tag of a comment."""


@dataclass(frozen=True)
class Claim:
    """What a tag must be, or must not be; None leaves that side open."""

    category: str
    aspect: str | None = None
    polarity: str | None = None


def read_claim(words: str) -> Claim:
    """The claim that `words` make: «category», «category polarity» or «category/aspect polarity».

    >>> read_claim("logistics/deadlines problem")
    Claim(category='logistics', aspect='deadlines', polarity='problem')
    >>> read_claim("price")
    Claim(category='price', aspect=None, polarity=None)
    """
    subject, _, polarity = words.partition(" ")
    if polarity not in ("", *POLARITIES):
        raise ValueError(f"found «{polarity}», expected one of {', '.join(POLARITIES)}")
    category, _, aspect = subject.partition("/")
    return Claim(category, aspect or None, polarity or None)


ReadClaim = Annotated[Claim, BeforeValidator(read_claim)]


class Case(BaseModel):
    """One text and what is claimed of it; which fields it has depends on the kind of its capability."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    empty: bool = False
    has: tuple[ReadClaim, ...] = ()
    lacks: tuple[ReadClaim, ...] = ()
    variants: tuple[str, ...] = ()
    plus: str | None = None
    adds: tuple[ReadClaim, ...] = ()
    removes: tuple[ReadClaim, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All that is claimed."""
        return (*self.has, *self.lacks, *self.adds, *self.removes)

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts that the case needs tagged, its own first."""
        return (self.text, *self.variants, *((self.plus,) if self.plus else ()))


class Capability(BaseModel):
    """Cases that ask for one ability."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    capability: str
    title: str
    kind: Kind
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Outcome:
    """How one capability did."""

    capability: Capability
    failures: tuple[tuple[Case, str], ...]
    """Each failed case with what was found instead."""

    @property
    def failure_rate(self) -> float:
        """Share of its cases that failed."""
        return len(self.failures) / max(1, len(self.capability.cases))


def read_capabilities(folder: Path, taxonomy: Taxonomy) -> list[Capability]:
    """The capabilities of `folder`, a YAML file each, by name; none when there is no such folder.

    Cases about categories or aspects that the taxonomy lacks are left out: a factory may have others.

    Raises:
        OtklikError: naming the file, when a field is wrong.
    """
    return [_keep_known(_read(path), taxonomy) for path in sorted(folder.glob("*.yaml"))]


def _read(path: Path) -> Capability:
    try:
        return Capability.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise OtklikError(f"{path}: {error}") from None


def _keep_known(capability: Capability, taxonomy: Taxonomy) -> Capability:
    cases = tuple(case for case in capability.cases if all(_is_known(c, taxonomy) for c in case.claims))
    return Capability(**{**dict(capability), "cases": cases})


def _is_known(claim: Claim, taxonomy: Taxonomy) -> bool:
    known = claim.category in taxonomy.category_codes
    return known and claim.aspect in (None, *taxonomy.aspect_codes(claim.category))


def run_capabilities(tagger: Tagger, capabilities: Sequence[Capability]) -> list[Outcome]:
    """How `tagger` does on each capability."""
    texts = dict.fromkeys(text for own in capabilities for case in own.cases for text in case.texts)
    results = dict(zip(texts, tagger.tag([Comment(text) for text in texts]), strict=True))
    return [Outcome(own, tuple(_failures(own, results))) for own in capabilities]


def _failures(capability: Capability, results: dict[str, Result]) -> Iterator[tuple[Case, str]]:
    check = {"minimum": _check_minimum, "invariance": _check_invariance, "directional": _check_direction}
    for case in capability.cases:
        failure = check[capability.kind](case, results)
        if failure:
            yield case, failure


def _check_minimum(case: Case, results: dict[str, Result]) -> str | None:
    result = results[case.text]
    right = all(_meets(result, claim) for claim in case.has)
    right &= not any(_meets(result, claim) for claim in case.lacks)
    return None if right and not (case.empty and result.tags) else _describe(result)


def _check_invariance(case: Case, results: dict[str, Result]) -> str | None:
    expected = _tags(results[case.text])
    for variant in case.variants:
        if _tags(results[variant]) != expected:
            return f"{_describe(results[case.text])}; «{variant}»: {_describe(results[variant])}"
    return None


def _check_direction(case: Case, results: dict[str, Result]) -> str | None:
    assert case.plus is not None, "a directional case has a text with something added"
    before, after = results[case.text], results[case.plus]
    removed = {(claim.category, claim.polarity) for claim in case.removes}
    kept = {tag for tag in _tags(before) if not removed & {tag, (tag[0], None)}}
    right = all(_meets(after, claim) for claim in case.adds) and kept <= _tags(after)
    right &= not any(_meets(after, claim) for claim in case.removes)
    return None if right else f"{_describe(before)}; «{case.plus}»: {_describe(after)}"


def _meets(result: Result, claim: Claim) -> bool:
    return any(
        tag.category == claim.category
        and claim.aspect in (None, tag.aspect)
        and claim.polarity in (None, tag.polarity)
        for tag in result.tags
    )


def _tags(result: Result) -> Tags:
    return frozenset((tag.category, tag.polarity) for tag in result.tags)


def _describe(result: Result) -> str:
    said = (f"{tag.category}/{tag.aspect or '–'} {tag.polarity}" for tag in result.tags)
    return ", ".join(said) or "no tag"


def format_outcomes(outcomes: Sequence[Outcome]) -> str:
    """A Markdown table of failure rates, worst first, and their sum over all cases."""
    lines = ["| capability | kind | cases | failed |", "| --- | --- | ---: | ---: |"]
    for own in sorted(outcomes, key=lambda outcome: -outcome.failure_rate):
        it = own.capability
        failed = f"{own.failure_rate:.0%}"
        lines.append(f"| {it.title} (`{it.capability}`) | {it.kind} | {len(it.cases)} | {failed} |")
    cases = sum(len(own.capability.cases) for own in outcomes)
    wrong = sum(len(own.failures) for own in outcomes)
    lines.append(f"| all | | {cases} | {wrong / max(1, cases):.0%} |")
    return "\n".join(lines)
