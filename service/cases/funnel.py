"""The Bitrix24 funnel: satisfied customers of closed deals are thanked, the others' troubles become tasks.

Every step looks at what is there before it does anything, and notes what it did afterwards. So a step that
was cut short is done again, and not twice. How the customer is reached is the portal's business: robots of
the funnel's stages send the question, and the words of thanks that are put into a field; or a business
process of the portal is started that sends them.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.cases.words import thanks
from service.clients.bitrix24 import DEAL, Bitrix24Api
from service.clients.connections import Funnel
from service.clients.errors import ClientError, RefusedError, UnreachableError
from service.delivery.events import TaggedComment
from service.delivery.tasks import give_tasks
from service.delivery.words import TagView
from service.nlp.context import nps_group
from service.nlp.taxonomy import Taxonomy
from service.store import cases, comments, cursors, predictions
from service.store.cases import Case, State
from service.store.comments import StoredComment
from service.store.cursors import Cursor
from service.store.database import Database

_log = logging.getLogger(__name__)

SCOPE = "funnel"
"""Of the cursor that says until when closed deals have been looked through."""

_OVERLAP = timedelta(minutes=5)
_LEASE = timedelta(minutes=15)
"""After so long a run that died is taken over; two at once could make an NPS deal twice."""
_COMMENT_GRACE = timedelta(hours=24)
"""A low score often comes first and its reason later: so long the task waits for the reason."""

_TITLE = "NPS: "
"""Before the title of the deal that an NPS deal asks about."""

_REVIEW_DAYS = timedelta(days=180)
_BATCH = 50

_STATES: dict[str, State] = {"promoter": "satisfied", "passive": "passive", "detractor": "dissatisfied"}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did."""

    opened: int = 0
    asked: int = 0
    answered: int = 0
    unanswered: int = 0
    reviewed: int = 0
    refused: int = 0
    """Steps that the portal refused, such as for a deal that was deleted there; they hold up no other."""

    def __str__(self) -> str:
        told = (
            f"{self.opened} deals closed, {self.asked} customers asked, {self.answered} answers seen to, "
            f"{self.unanswered} without an answer, {self.reviewed} left a review"
        )
        return f"{told}; {self.refused} refused by the portal, see the log" if self.refused else told


@dataclass(frozen=True, slots=True)
class _Steps:
    """How many cases were taken a step further, and how many the portal refused."""

    done: int
    refused: int


@dataclass(frozen=True, slots=True)
class FunnelRunner:
    """The funnel of one portal."""

    database: Database
    source: str
    portal: Bitrix24Api
    funnel: Funnel
    taxonomy: Callable[[], Taxonomy]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self) -> Run:
        """Take every case one step further, unless another process is about it.

        Raises: ClientError, StoreError; what was done is noted.
        """
        cursor = self._claim()
        if cursor is None:
            return Run()
        try:
            opened = self._open_cases(cursor)
            asked = self._each(self._find("opened"), self._ask)
            answers = self._find_answers()
            answered = self._each(answers, lambda case: self._see_to(case, answers[case]))
            unanswered = self._each(self._find_silent(), self._give_up)
            reviewed = self._note_reviews()
            refused = asked.refused + answered.refused + unanswered.refused
            return Run(opened, asked.done, answered.done, unanswered.done, reviewed, refused)
        finally:
            with self.database.write() as connection:
                cursors.release(connection, cursor, self.clock(), self.clock())

    def _claim(self) -> Cursor | None:
        with self.database.write() as connection:
            cursors.ensure(connection, self.source, [SCOPE])
            return cursors.claim(connection, [(self.source, SCOPE)], self.clock(), _LEASE)

    def _open_cases(self, cursor: Cursor) -> int:
        """A case for each deal that has closed since the last run; the first run begins the time."""
        started = self.clock()
        if cursor.mark is None:
            with self.database.write() as connection:
                cursors.advance(connection, cursor, started, started + _LEASE)
            return 0
        closed = self.funnel.closed
        since = (cursor.mark - _OVERLAP).isoformat(timespec="seconds")
        where = {"categoryId": closed.category, "stageId": closed.stage, ">=movedTime": since}
        deals = [int(deal["id"]) for deal in self.portal.find_items(DEAL, where)]
        with self.database.write() as connection:
            opened = cases.open_new(connection, self.source, deals)
            cursors.advance(connection, cursor, started, started + _LEASE)
        return opened

    def _each(self, found: Iterable[Case], step: Callable[[Case], bool]) -> _Steps:
        """Take a step with each case; one that the portal refuses waits for the next run, alone."""
        done = refused = 0
        for case in found:
            try:
                done += step(case)
            except RefusedError as error:
                refused += 1
                _log.warning("the case of deal %d of %s has to wait: %s", case.deal, self.source, error)
        return _Steps(done, refused)

    def _ask(self, case: Case) -> bool:
        """An NPS deal for a case that has none; one that a run cut short has made is taken."""
        mine = {"categoryId": self.funnel.nps.category, self.funnel.origin: str(case.deal)}
        found = next(iter(self.portal.find_items(DEAL, mine)), None)
        number = int(found["id"]) if found else self._add_nps_deal(case)
        with self.database.write() as connection:
            cases.ask(connection, case, number, self.clock())
        return True

    def _add_nps_deal(self, case: Case) -> int:
        deal = self.portal.get_item(DEAL, case.deal)
        kept = ("contactId", "companyId", "assignedById")
        fields = {name: deal[name] for name in kept if deal.get(name)} | {
            "title": f"{_TITLE}{deal.get('title') or case.deal}",
            "categoryId": self.funnel.nps.category,
            "stageId": self.funnel.nps.asked,
            self.funnel.origin: str(case.deal),
        }
        return self.portal.add_item(DEAL, fields)

    def _find_answers(self) -> dict[Case, StoredComment]:
        """Cases whose customer has given a score, also those that were given up."""
        waiting = self._find("asked", "no_answer")
        keys = {case: (self.source, f"DEAL_{case.nps_deal}") for case in waiting}
        with self.database.read() as connection:
            known = comments.get_by_keys(connection, keys.values())
        answers = {case: known[key] for case, key in keys.items() if key in known}
        return {case: comment for case, comment in answers.items() if comment.score is not None}

    def _see_to(self, case: Case, comment: StoredComment) -> bool:
        """What an answer calls for; false where its reason is waited for."""
        group = nps_group(comment.score)
        assert group is not None  # only comments with a score are listed
        state = _STATES[group]
        if state == "dissatisfied":
            if comment.text is None and self.clock() - comment.created_at < _COMMENT_GRACE:
                return False
            self._give_tasks(case, comment)
        self._move(case, state)
        self._thank(case, state)
        with self.database.write() as connection:
            cases.close(connection, case, state, comment.score, comment.answered_at or self.clock())
        return True

    def _give_tasks(self, case: Case, comment: StoredComment) -> None:
        assert case.nps_deal is not None
        place = DEAL, case.nps_deal
        title = str(self.portal.get_item(*place).get("title") or "").removeprefix(_TITLE)
        tags = self._tags(comment)
        give_tasks(self.portal, place, str(case.id), title, comment, tags, self.funnel, self.clock())

    def _tags(self, comment: StoredComment) -> Sequence[TagView]:
        with self.database.read() as connection:
            prediction = predictions.current(connection, [comment.id]).get(comment.id)
        if prediction is None or comment.text is None:
            return []
        return TaggedComment(comment, prediction).tags(self.taxonomy())

    def _move(self, case: Case, state: State) -> None:
        """Move the NPS deal to the stage of `state`, with the words that its robot sends."""
        assert case.nps_deal is not None
        fields = {"stageId": getattr(self.funnel.nps, state)}
        words = thanks(state, self.funnel.review_url)
        if self.funnel.message and words:
            fields[self.funnel.message] = words
        self.portal.update_item(DEAL, case.nps_deal, fields)

    def _thank(self, case: Case, state: State) -> None:
        """Let the portal's process send the words; at most once, for nobody wants to be thanked twice.

        Hence it is noted before, and taken back only where the portal says that nothing was sent.
        """
        process, words = self.funnel.process, thanks(state, self.funnel.review_url)
        if process is None or not words or case.thanked_at:
            return
        assert case.nps_deal is not None
        with self.database.write() as connection:
            cases.thank(connection, case, self.clock())
        try:
            self.portal.start_process(process.template, case.nps_deal, {process.parameter: words})
        except ClientError as error:
            if not _was_carried_out_perhaps(error):
                with self.database.write() as connection:
                    cases.thank(connection, case, None)
                raise
            _log.warning("whether the customer of deal %d was thanked is not known: %s", case.nps_deal, error)

    def _find_silent(self) -> list[Case]:
        late = self.clock() - timedelta(days=self.funnel.wait_days)
        return [case for case in self._find("asked") if case.asked_at < late]

    def _give_up(self, case: Case) -> bool:
        self._move(case, "no_answer")
        with self.database.write() as connection:
            cases.close(connection, case, "no_answer")
        return True

    def _note_reviews(self) -> int:
        """Deals that people, or a robot, have moved to the stage of those who left a review."""
        recent = self.clock() - _REVIEW_DAYS
        by_deal = {
            case.nps_deal: case
            for case in self._find("satisfied", "passive")
            if case.reviewed_at is None and case.asked_at > recent
        }
        numbers = list(by_deal)
        noted = 0
        for start in range(0, len(numbers), _BATCH):
            where = {"@id": numbers[start : start + _BATCH], "stageId": self.funnel.nps.reviewed}
            for deal in self.portal.find_items(DEAL, where):
                with self.database.write() as connection:
                    cases.review(connection, by_deal[int(deal["id"])], self.clock())
                noted += 1
        return noted

    def _find(self, *states: State) -> list[Case]:
        with self.database.read() as connection:
            return cases.find(connection, self.source, states)


def _was_carried_out_perhaps(error: ClientError) -> bool:
    return isinstance(error, UnreachableError) or (isinstance(error, RefusedError) and error.status >= 500)
