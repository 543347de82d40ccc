"""Native polls: what a poll may be, who voted for what, and how Telegram writes it down (Bot API 10)."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from tests.botapi import parameters as read
from tests.botapi.parameters import Parameters
from tests.botapi.refusal import Refusal

QUESTION_LETTERS, OPTION_LETTERS, EXPLANATION_LETTERS = 300, 100, 200
MOST_OPTIONS = 12
SHORTEST_SECONDS, LONGEST_SECONDS = 5, 2_628_000


@dataclass
class Poll:
    """One poll with its votes, in all messages that show it."""

    id: str
    question: str
    options: list[str]
    is_anonymous: bool = True
    is_multiple: bool = False
    is_revotable: bool = True
    correct: list[int] | None = None
    """Of a quiz, the positions of what is right."""
    explanation: str = ""
    closes_at: float | None = None
    open_seconds: int = 0
    is_closed: bool = False
    votes: dict[int, list[int]] = field(default_factory=dict)
    """Per person the positions they chose, rising."""

    def vote(self, person: int, positions: Collection[int]) -> bool:
        """Takes a vote, none to retract; says whether it changes anything. ValueError for what a client cannot do."""
        chosen, before = sorted(set(positions)), self.votes.get(person, [])
        if self.is_closed:
            raise ValueError("the poll is closed")
        if len(chosen) > 1 and not self.is_multiple:
            raise ValueError("one answer only")
        if not set(chosen) <= set(range(len(self.options))):
            raise ValueError("no such option")
        if not self.is_revotable and (before or not chosen):
            raise ValueError("votes in this poll cannot be changed")
        self.votes.pop(person, None)
        if chosen:
            self.votes[person] = chosen
        return chosen != before

    def data(self) -> dict[str, Any]:
        """As Telegram writes it to the bot that sent it."""
        counts = [sum(position in chosen for chosen in self.votes.values()) for position in range(len(self.options))]
        data: dict[str, Any] = {
            "id": self.id,
            "question": self.question,
            "options": [
                {"persistent_id": str(position), "text": text, "voter_count": counts[position]}
                for position, text in enumerate(self.options)
            ],
            "total_voter_count": len(self.votes),
            "is_closed": self.is_closed,
            "is_anonymous": self.is_anonymous,
            "type": "regular" if self.correct is None else "quiz",
            "allows_multiple_answers": self.is_multiple,
            "allows_revoting": self.is_revotable,
            "members_only": False,
        }
        if self.correct is not None:
            data["correct_option_ids"] = self.correct
            data |= {"correct_option_id": self.correct[0]} if len(self.correct) == 1 else {}
        if self.explanation:
            data["explanation"] = self.explanation
        if self.closes_at and not self.is_closed:
            data |= {"open_period": self.open_seconds, "close_date": int(self.closes_at)}
        return data


def poll_of(given: Parameters, number: int, now: float) -> Poll:
    """The poll that sendPoll is to send. Raises Refusal, in Telegram's words where it has any."""
    question = _text(given.get("question"), QUESTION_LETTERS, "poll question")
    options = _options(given)
    kind = given.get("type") or "regular"
    if kind not in {"regular", "quiz"}:
        raise _no("unsupported poll type specified")
    poll = Poll(
        str(number),
        question,
        options,
        is_anonymous=read.is_true(given, "is_anonymous", default=True),
        is_multiple=read.is_true(given, "allows_multiple_answers"),
        is_revotable=read.is_true(given, "allows_revoting", default=kind == "regular"),
        is_closed=read.is_true(given, "is_closed"),
    )
    if kind == "quiz":
        poll.correct, poll.explanation = _correct(given, len(options)), _explanation(given)
    elif given.keys() & {"correct_option_id", "correct_option_ids", "explanation"}:
        raise _no("only a quiz has an answer that is right")  # Telegram ignores it: a mistake of the bot all the same
    poll.open_seconds = _open_seconds(given, now)
    poll.closes_at = now + poll.open_seconds if poll.open_seconds else None
    return poll


def _options(given: Parameters) -> list[str]:
    found = read.data(given.get("options"), "can't parse options JSON object")
    if not isinstance(found, list | None):
        raise _no("expected an Array of InputPollOption")
    if not found:
        raise _no("poll must have at least one answer option")
    if len(found) > MOST_OPTIONS:
        raise _no(f"poll can't have more than {MOST_OPTIONS} options")
    return [_option(one) for one in found]


def _option(found: Any) -> str:
    if not isinstance(found, str | dict):
        raise _no("can't parse InputPollOption: Expected InputPollOption to be an Object")
    if isinstance(found, dict) and (unknown := found.keys() - {"text"}):
        raise _no(f"this server knows no {sorted(unknown)[0]} of an option")
    return _text(found if isinstance(found, str) else found.get("text"), OPTION_LETTERS, "poll options")


def _text(found: Any, most: int, what: str) -> str:
    text = found.strip() if isinstance(found, str) else ""
    if not text:
        raise _no("text must be non-empty")
    if len(text) > most:
        raise _no(f"{what} length must not exceed {most}")
    return text


def _correct(given: Parameters, options: int) -> list[int]:
    found = read.data(given.get("correct_option_ids"))
    if found is None and given.get("correct_option_id") is not None:
        found = [read.number(given, "correct_option_id", "wrong quiz correct_option_id")]
    if not isinstance(found, list) or not found:
        raise _no("correct quiz option list must be non-empty")
    if not all(type(position) is int for position in found):
        raise _no("correct option identifier must be of type Number")
    if found != sorted(set(found)):
        raise _no("correct quiz option list must be increasing")
    if not 0 <= found[0] <= found[-1] < options:
        raise _no("wrong quiz correct_option_id")
    return found


def _explanation(given: Parameters) -> str:
    text = str(given.get("explanation") or "").strip()
    if len(text) > EXPLANATION_LETTERS:
        raise _no(f"quiz explanation must have at most {EXPLANATION_LETTERS} characters")
    if text.count("\n") > 2:
        raise _no("quiz explanation must have at most 2 line feeds")
    return text


def _open_seconds(given: Parameters, now: float) -> int:
    """How long the poll stays open; 0 for ever. Outside what is documented Telegram has no words: these are ours."""
    if given.keys() >= {"open_period", "close_date"}:
        raise _no("open_period and close_date can't be used together")
    if "open_period" in given:
        seconds = read.number(given, "open_period", "open_period is no number")
    elif "close_date" in given:
        seconds = round(read.number(given, "close_date", "close_date is no number") - now)
    else:
        return 0
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise _no(f"a poll is open for {SHORTEST_SECONDS} to {LONGEST_SECONDS} seconds")
    return seconds


def _no(words: str) -> Refusal:
    return Refusal(400, f"Bad Request: {words}")
