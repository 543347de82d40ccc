"""The residents' behaviour in a conversation, and its effect on the ledger."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from flows.messages import Mode, message_as_text
from tests.city.answering import Speaker, answer
from tests.city.chat import WORDS, Heard, Line, Talk, button, tap
from tests.city.ledger import Given, Idea, Ledger, Moment, Participation, Reason, Vote
from tests.city.survey import BY_KEY, HINT, LANGUAGES, SLUG, Question, Value

_CODE: Final = re.compile(r"P-[0-9A-Z]{4}-[0-9A-Z]{4}")
_VOTES: Final[tuple[Vote, ...]] = (1, -1, 0)
"""In the order of the buttons: agree, disagree, undecided."""


_MODES: Final[tuple[Mode, ...]] = ("self", "assisted", "paper")


class Habits(NamedTuple):
    """The probabilities of a resident's actions at a question."""

    skip: float = 0.05
    dont_know: float = 0.04
    refuse: float = 0.05
    back: float = 0.03
    change: float = 0.04
    edit: float = 0.03
    stop: float = 0.012
    leave: float = 0.012
    start_over: float = 0.006
    delete: float = 0.006
    switch: float = 0.006
    nonsense: float = 0.02


STEADY: Final = Habits(back=0, change=0, edit=0, stop=0, leave=0, start_over=0, delete=0, switch=0, nonsense=0)
"""The habits of a resident filling in a paper form."""


class Surprise(AssertionError):
    """The bot's behaviour differs from the ledger."""


class Resident:
    """One resident: sends lines, updates the ledger, and records the conversation for debugging."""

    def __init__(
        self,
        number: int,
        seed: int,
        ledger: Ledger,
        clock: Callable[[], Moment],
        habits: Habits,
        *,
        slug: str = SLUG,
        is_on_page: bool = False,
    ) -> None:
        self.number, self.ledger, self.clock, self.slug = number, ledger, clock, slug
        self.chance = random.Random(f"{seed} {number}")
        self.language = self.chance.choices(LANGUAGES, (5, 2, 2, 1))[0]
        self.channel = self.chance.choices(("chat", "messenger"), (3, 2))[0]
        self.mode: Mode = self.chance.choices(_MODES, (16, 2, 1))[0]
        if is_on_page:  # by itself, and what was sent stays as it is
            self.channel, self.mode, habits = "web", "self", habits._replace(edit=0)
        self.habits = STEADY if self.mode == "paper" else habits
        self.place = f"r{number:05}"
        self.address = f"a{number}"
        self.transcript: list[str] = []
        self.last_id = ""
        """The id of the last message, for edits."""

    @property
    def me(self) -> Participation:
        return self.ledger.participations[self.place]

    @property
    def speaker(self) -> Speaker:
        return Speaker(self.language, self.number, self.chance, self.me.revision, self.mode == "paper")

    def word(self, name: str) -> str:
        return WORDS[self.language][name]

    def does(self, probability: float) -> bool:
        return self.chance.random() < probability

    # --- one life ---

    def live(self) -> Talk[None]:
        """From the first message to the last one."""
        heard = yield from self._begin()
        if self.does(0.03):
            return  # only looked
        while True:
            key = self.me.next_open()
            if key is None:
                heard = yield from self._sum_up(heard)
                if self.me.status != "waiting" or self.me.next_open() is None:
                    break
                continue
            self._must_ask(BY_KEY[key], heard)
            done = yield from self._meet(BY_KEY[key], heard)
            if done is None:
                return
            heard = done

    def _begin(self) -> Talk[Heard]:
        heard = yield Line(f"/start {self.slug}")
        is_asked = bool(heard[-1].quick_replies) and heard[-1].quick_replies[0].label == WORDS["de"]["name"]
        # Figures may be read before the language is chosen: until then it is the first one.
        me = Participation(self.place, self.channel, self.mode, 1, LANGUAGES[0] if is_asked else self.language)
        self.ledger.participations[self.place] = me
        if is_asked:
            place = LANGUAGES.index(self.language)
            heard = yield self.chance.choice(
                [Line(self.word("name")), Line(str(place + 1)), tap(heard[-1].quick_replies[place])]
            )
            me.language = self.language
        if HINT[self.language] in heard[-1].text:
            me.revision = 2
        return heard

    def _meet(self, question: Question, heard: Heard) -> Talk[Heard | None]:
        """What a person does at a question; None where they go for good."""
        habits = self.habits
        if self.does(habits.leave):
            return None
        if self.does(habits.stop):
            return (yield from self._stop())
        if self.does(habits.delete):
            return (yield from self._delete())
        if self.does(habits.start_over) and self.me.given:
            return (yield from self._start_over())
        if self.does(habits.switch):
            heard = yield from self._switch()
        if self.does(habits.nonsense) and question.type not in {"text", "proposal", "statements"}:
            heard = yield Line("xyzzy qqqq")
            self._must_ask(question, heard)
        if self.does(habits.back) and (earlier := self._earlier(question.key)):
            heard = yield Line(self.word("back"))
            return (yield from self._answer_anew(earlier[-1], heard))
        if self.does(habits.change) and (earlier := self._earlier(question.key)):
            number = self.chance.randrange(len(earlier))
            heard = yield Line(f"{self.word('change')} {number + 1}")
            return (yield from self._answer_anew(earlier[number], heard))
        return (yield from self._answer(question, heard))

    def _earlier(self, key: str | None) -> list[str]:
        """The questions before this one with an answer or a reason for none, as the summary numbers them."""
        found = [it for it in BY_KEY if it in self.me.given]
        return found if key is None else [it for it in found if list(BY_KEY).index(it) < list(BY_KEY).index(key)]

    # --- answers ---

    def _answer(self, question: Question, heard: Heard) -> Talk[Heard]:
        """The first time that a question is asked."""
        for name, probability in (
            ("skip", self.habits.skip),
            ("refused", self.habits.refuse),
            ("dont_know", self.habits.dont_know),
        ):
            if self._may(question, name) and self.does(probability):
                return (yield from self._none(question, heard, name))
        if question.type == "proposal":
            return (yield from self._propose(question, heard))
        if question.type == "statements":
            return (yield from self._weigh(question, heard))
        value, heard = yield from answer(question, heard, self.speaker)
        self._take(question, value)
        if question.type == "number" and self.does(self.habits.edit):
            value = self.chance.randint(0, 20)
            heard = yield Line(str(value), edits=self.last_id)
            self._take(question, value)
        return heard

    def _may(self, question: Question, name: str) -> bool:
        if name == "skip":
            return question.type != "consent"
        return question.may_refuse if name == "refused" else question.offers_dont_know

    def _none(self, question: Question, heard: Heard, name: str) -> Talk[Heard]:
        """No answer, for this reason."""
        if name == "skip" and question.type == "statements" and self.mode == "paper":
            return (yield from self._pass_on_paper(question, heard))
        reply = button(heard, "skip") if name == "skip" else None
        heard = yield tap(reply) if reply and self.does(0.5) else Line(self.word(name))
        self._take(question, None, "skipped" if name == "skip" else name)  # type: ignore[arg-type]
        return heard

    def _answer_anew(self, key: str, heard: Heard) -> Talk[Heard]:
        """A question that was answered already is asked once more: another answer, or on as it was."""
        question = BY_KEY[key]
        self._must_ask(question, heard)
        if question.type == "statements":
            return (yield from self._weigh_no_more(question, heard))
        if question.type in {"proposal", "pairwise"} or self.does(0.2):
            heard = yield Line(self.word("continue"))
            return heard
        value, heard = yield from answer(question, heard, self.speaker)
        self._take(question, value)
        return heard

    def _take(self, question: Question, value: Value | None, reason: Reason | None = None) -> None:
        given = Given(value, reason, self.channel, self.language, self.mode, self.clock())
        self.me.take(question.key, given)
        if self.me.status == "interrupted":
            self.me.status = "waiting"

    # --- ideas ---

    def _propose(self, question: Question, heard: Heard) -> Talk[Heard]:
        if self.does(0.6):
            return (yield from self._none(question, heard, "skip"))
        value, heard = yield from answer(BY_KEY["wish"], heard, self.speaker)
        if self.mode != "paper":
            heard = yield tap(heard[-1].quick_replies[0])  # the proposal is submitted as it is
        found = _CODE.search("\n".join(msg.text for msg in heard))
        if found is None:
            raise Surprise(f"no code was told for {value!r}")
        district = self.me.answers.get("district")
        where = str(district) if district not in {None, "outside"} else None
        self.ledger.ideas.append(Idea(str(value), self.language, self.place, found[0], district=where))
        self._take(question, found[0])
        return heard

    def _weigh(self, question: Question, heard: Heard) -> Talk[Heard]:
        """One statement after another, until there are no more or it is enough."""
        if self.mode == "paper":
            return (yield from self._pass_on_paper(question, heard))
        before: list[tuple[Idea, Heard]] = []
        saw_none, rated = False, self.ledger.rated(self.place)
        while not self._goes_on(question, heard):
            idea = self._shown(heard)
            if idea is None:
                is_block = heard[-1].quick_replies[0].number == 1
                if is_block and self.does(0.5):
                    heard = yield tap(heard[-1].quick_replies[0])
                    rated = self.ledger.rated(self.place)
                    continue
                saw_none = not is_block
                heard = yield Line(self.word("done" if is_block else "continue"))
                break
            if before and self.channel != "web" and self.does(0.1):  # the page has the buttons of the last message
                heard = yield from self._vote_again(*before[-1])
                continue
            if self.does(self.habits.leave):
                heard = yield Line(self.word("done" if rated else "skip"))
                break
            earlier, heard = heard, (yield from self._vote(idea, heard))
            before.append((idea, earlier))
            rated += not self._is_gone(heard)
        is_answer = bool(rated) or saw_none
        self._take(question, rated if is_answer else None, None if is_answer else "skipped")
        return heard

    def _is_gone(self, heard: Heard) -> bool:
        """Whether the bot took no rating, because the statement was hidden meanwhile. What the ledger knows of that may
        be a moment older or newer than the rating.
        """
        return any(self.word("gone") in message_as_text(it) for it in heard)

    def _weigh_no_more(self, question: Question, heard: Heard) -> Talk[Heard]:
        """Comes back and leaves it at that: what was rated is counted again, since ideas may be gone meanwhile."""
        rated, saw_none = self.ledger.rated(self.place), self._shown(heard) is None
        heard = yield Line(self.word("continue"))
        is_answer = bool(rated) or saw_none
        self._take(question, rated if is_answer else None, None if is_answer else "skipped")
        return heard

    def _goes_on(self, question: Question, heard: Heard) -> bool:
        """Whether the last message is about something else."""
        following = [BY_KEY[key].text[self.language] for key in BY_KEY if key != question.key]
        return heard[-1].title in following or button(heard, "submit") is not None

    def _shown(self, heard: Heard) -> Idea | None:
        """The idea that the last message shows."""
        title = heard[-1].title
        for idea in self.ledger.ideas:
            if title in idea.wordings:
                return idea
        return None

    def _vote(self, idea: Idea, heard: Heard) -> Talk[Heard]:
        place = self.chance.choices(range(3), (6, 3, 1) if len(idea.text) % 2 else (3, 5, 2))[0]
        important = self.does(0.15)
        if important:
            heard = yield tap(heard[-1].quick_replies[3])
            if self._is_gone(heard):
                return heard
        heard = yield self.chance.choice([tap(heard[-1].quick_replies[place]), Line(str(place + 1))])
        if not self._is_gone(heard):
            self.ledger.cast(self.place, idea, _VOTES[place], important=important)
        return heard

    def _vote_again(self, idea: Idea, earlier: Heard) -> Talk[Heard]:
        """A tap below the statement before."""
        place = self.chance.randrange(3)
        heard = yield tap(earlier[-1].quick_replies[place])
        last = [it for it in self.ledger.casts if it.voter == self.place and it.idea is idea]
        if last and last[-1].vote != _VOTES[place] and idea.is_public:
            self.ledger.cast(self.place, idea, _VOTES[place], important=last[-1].important)
        return heard

    def _pass_on_paper(self, question: Question, heard: Heard) -> Talk[Heard]:
        """The sheet does not ask this."""
        reply = button(heard, "skip")
        assert reply
        heard = yield tap(reply)
        self._take(question, None, "not_asked")
        return heard

    # --- leaving, coming back, starting over ---

    def _sum_up(self, heard: Heard) -> Talk[Heard]:
        """Everything is answered: look at it, change something, submit; perhaps look again later."""
        reply = button(heard, "submit")
        if reply is None:
            raise Surprise(f"{self.place}: the summary was expected, not {heard[-1].title or heard[-1].text!r}")
        if self.does(0.1) and self.mode != "paper":
            earlier = self._earlier(None)
            number = self.chance.randrange(len(earlier))
            heard = yield Line(f"{self.word('change')} {number + 1}")
            return (yield from self._answer_anew(earlier[number], heard))
        if self.does(0.05):
            return heard  # forgets to
        heard = yield tap(reply) if self.does(0.5) else Line(self.word("submit"))
        self.me.status = "completed"
        return heard

    def _stop(self) -> Talk[Heard | None]:
        yield Line(self.word("stop"))
        self.me.status = "interrupted"
        if self.does(0.4):
            return None
        yield Line(f"/start {self.slug}")
        self.me.status = "waiting"
        if self.does(0.2):
            return (yield from self._start_over_now())
        return (yield Line(self.word("continue")))

    def _start_over(self) -> Talk[Heard]:
        heard = yield Line(f"/start {self.slug}")
        if button(heard, "start_over") is None:
            raise Surprise(f"{self.place}: no offer to start over in {heard[-1].text!r}")
        return (yield from self._start_over_now())

    def _start_over_now(self) -> Talk[Heard]:
        heard = yield Line(self.word("start over"))
        self.me.start_over()
        self.ledger.forget_votes(self.place)
        for idea in [it for it in self.ledger.ideas if it.author == self.place and not it.is_read]:
            self.ledger.forget_idea(idea)
        is_about_idea = not heard[-1].title and any("P-" in reply.label for reply in heard[-1].quick_replies)
        return heard[:-1] if is_about_idea else heard

    def _delete(self) -> Talk[Heard | None]:
        yield Line(self.word("delete"))
        yield Line(self.word("delete all"))
        self.ledger.forget(self.place)
        if self.does(0.5):
            return None
        return (yield from self._begin())

    def _switch(self) -> Talk[Heard]:
        heard = yield Line("/language")
        self.language = self.chance.choice([it for it in LANGUAGES if it != self.language])
        heard = yield tap(heard[-1].quick_replies[LANGUAGES.index(self.language)])
        self.me.language = self.language  # not earlier: figures may be read before the tap
        return heard

    def _must_ask(self, question: Question, heard: Heard) -> None:
        titles = [msg.title for msg in heard[-2:]]
        if question.text[self.language] not in titles:
            raise Surprise(f"{self.place}: {question.key} was to be asked, not {heard[-1].title or heard[-1].text!r}")
