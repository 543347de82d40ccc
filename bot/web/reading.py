"""The conversation log as pages show it: what is asked now, and what was said before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import dropwhile
from typing import Final, Literal, NamedTuple

from adapters.web.log import Entry
from flows.messages import Expects, MsgOut, QuickReply
from flows.speech import HANGING

Kind = Literal["question", "summary", "thanks", "menu", "waiting"]
_RECEIPT: Final = re.compile(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b")
_LINE: Final = re.compile(r"^(\d+)\. (.*)$")
_ARROWS: Final = ("   → ", "   ← ")
_BOXES: Final = ("☐ ", "☑ ")
_STEP: Final = re.compile(r"^\+\d+ ")
DONE: Final = "+done"


class Choice(NamedTuple):
    """One answer offered. `label` is without the box that stands for ticked or not."""

    token: str
    label: str
    number: int
    is_chosen: bool
    amount: int = 0
    """Its place in an order, or how much of a budget it has."""


class Row(NamedTuple):
    """One answer of the summary."""

    number: int
    question: str
    answer: str


class Step(NamedTuple):
    """Where a conversation stands, for the form: one page."""

    kind: Kind
    seq: int = 0
    language: str = ""
    notes: tuple[str, ...] = ()
    """What the bot said before, e.g. how it understood the last answer."""
    caption: str = ""
    """Where one stands: "question 2 of 5"."""
    title: str = ""
    hint: str = ""
    expects: str = ""
    options: tuple[Choice, ...] = ()
    others: tuple[Choice, ...] = ()
    """Answers beside the real ones: "I do not know"."""
    marks: tuple[Choice, ...] = ()
    """What can go with an answer: "important to me"."""
    words: tuple[Choice, ...] = ()
    """What is offered as buttons: chat words as skip and submit, and what only shows something."""
    rows: tuple[Row, ...] = ()
    receipt: str = ""
    receipt_name: str = ""
    fault: str = ""
    """Why the bot did not take the last reply."""


def is_language_question(msg: MsgOut) -> bool:
    """Whether it asks for the language; the page has asked that already, and better."""
    return bool(msg.quick_replies) and all(_parts(reply)[1:] == ("", "language") for reply in msg.quick_replies)


def is_lobby(entries: Sequence[Entry]) -> bool:
    """Whether the bot offers other consultations, because it knows of none that is open for the person."""
    last = last_message(entries)
    return last is not None and last.msg is not None and any(_parts(r)[1] == "start" for r in last.msg.quick_replies)


def shown(entries: Sequence[Entry]) -> list[Entry]:
    """What a page shows of a conversation: all but questions for the language, and the answer at the beginning."""
    last = entries[-1].seq if entries else 0
    said = [e for e in entries if e.msg is None or e.seq == last or not is_language_question(e.msg)]
    return list(dropwhile(lambda entry: entry.msg is None and entry.seq != last, said))


def language_of(entries: Iterable[Entry]) -> str:
    """The language in which the bot spoke last; "" where it has not spoken."""
    spoken = [entry.msg.language for entry in entries if entry.msg and not is_language_question(entry.msg)]
    return spoken[-1] if spoken else ""


def last_message(entries: Sequence[Entry]) -> Entry | None:
    """What the bot said last, unless it still has to answer."""
    return entries[-1] if entries and entries[-1].msg is not None else None


def step_of(entries: Sequence[Entry]) -> Step:
    """The page of the form for where the conversation stands."""
    last = last_message(entries)
    if last is None or last.msg is None:
        return Step("waiting", entries[-1].seq if entries else 0)
    notes = _before(shown(entries))
    step = Step("menu", last.seq, last.msg.language, notes)
    if last.msg.title:
        return _question(step, [entry.msg for entry in entries if entry.msg])
    if any(_parts(reply)[2] == "submit" for reply in last.msg.quick_replies):
        return _summary(step, last.msg)
    if not last.msg.quick_replies and (receipt := _RECEIPT.search(last.msg.text)):
        return _thanks(step, last.msg, receipt[0])
    answers = tuple(_choice(reply) for reply in last.msg.quick_replies)
    title, _, rest = last.msg.text.partition("\n")
    return step._replace(title=title, hint=rest.strip(), words=answers)


def _before(entries: Sequence[Entry]) -> tuple[str, ...]:
    """What the bot said since the person's last words, before its last message."""
    texts: list[str] = []
    for entry in reversed(entries[:-1]):
        if entry.msg is None or entry.msg.quick_replies:
            break
        texts.append(entry.msg.text)
    return tuple(reversed(texts))


class _Asked(NamedTuple):
    """The text of a question, taken apart."""

    line: str = ""
    """What the bot says before it, as the answer so far."""
    caption: str = ""
    hint: str = ""


def _apart(msg: MsgOut) -> _Asked | None:
    """A question taken apart; None for what the bot says to an answer in the making, or to one it did not take."""
    # The last place: an answer so far stands before it and may have the same words.
    before, found, hint = msg.text.rpartition(msg.title)
    line, _, caption = before.rpartition("\n\n")
    return _Asked(line.strip(), caption.strip(), hint.strip()) if found else None


def _question(step: Step, said: Sequence[MsgOut]) -> Step:
    """`said`: what the bot has said so far, as far as it is remembered."""
    msg, before = said[-1], said[-2] if len(said) > 1 else said[-1]
    now, note, fault = _apart(msg), "", ""
    # Not understood twice: then the question is repeated, and what is wrong stands before it.
    is_twice = now is not None and before.title == msg.title and not _apart(before) and not _is_draft(before)
    earlier = (it for it in said[-2::-1] if it.title == msg.title and _apart(it))
    question = msg if now and not is_twice else next(earlier, msg)
    asked = _apart(question) or _Asked()
    if now:
        note, fault = ("", now.line) if is_twice else (now.line, "")
    else:
        *changed, how = _told(msg)
        note, fault = ("\n".join(changed), "") if _is_draft(msg) else ("", "\n".join((*changed, how)))
    options, others = _answers(msg)
    return step._replace(
        kind="question",
        title=msg.title,
        caption=asked.caption,
        hint=asked.hint,
        notes=(*step.notes, note) if note else step.notes,
        expects=msg.expects,
        options=options,
        # An answer in the making does not repeat the ways around it; a page has room for them.
        others=others or _answers(question)[1],
        marks=tuple(_choice(it) for it in msg.quick_replies if it.aside == "mark"),
        words=_words(msg) or _words(question),
        fault=fault,
    )


def _answers(msg: MsgOut) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    """The answers among the quick replies: the real ones, and those beside them."""
    found: tuple[list[Choice], list[Choice]] = [], []
    for reply in msg.quick_replies:
        _, key, value = _parts(reply)
        if key and value[:1] not in {"+", "-"} and not reply.aside:
            found[value in {"dont_know", "refused"}].append(_choice(reply, msg.expects))
    return tuple(found[0]), tuple(found[1])


def _words(msg: MsgOut) -> tuple[Choice, ...]:
    """What is offered as buttons; where one choice is made after another, "done" is one as well."""
    is_one = msg.expects == "one"

    def is_word(reply: QuickReply) -> bool:
        _, key, value = _parts(reply)
        return not key or reply.aside == "look" or (is_one and value == DONE)

    return tuple(_choice(reply) for reply in msg.quick_replies if is_word(reply))


def _is_draft(msg: MsgOut) -> bool:
    """Whether it shows an answer in the making that could be the whole answer."""
    is_begun = any(answer.is_chosen for answer in _answers(msg)[0])
    return is_begun and any(_parts(reply)[2] == DONE for reply in msg.quick_replies)


def _told(msg: MsgOut) -> list[str]:
    """The lines of a message that does not repeat its question: what was changed, at last how to go on, or why not.

    Without the one that lists what is ticked, which check boxes show better.
    """
    lines = msg.text.split("\n")
    chosen = [answer.label for answer in _answers(msg)[0] if answer.is_chosen]
    if msg.expects != "many" or not chosen:
        return lines
    return [line for line in lines if not all(label in line for label in chosen)] or [""]


def _summary(step: Step, msg: MsgOut) -> Step:
    rows: list[Row] = []
    head: list[str] = []
    is_answer = False
    for line in msg.text.split("\n"):
        found = _LINE.match(line)
        if found and int(found[1]) == len(rows) + 1 and (is_answer or not rows):
            rows.append(Row(len(rows) + 1, found[2], ""))
            is_answer = False
        elif rows and not is_answer and line.startswith(_ARROWS):
            rows[-1] = rows[-1]._replace(answer=line[5:])
            is_answer = True
        elif rows and is_answer:
            rows[-1] = rows[-1]._replace(answer=f"{rows[-1].answer}\n{line.removeprefix(HANGING)}")
        elif rows:
            rows[-1] = rows[-1]._replace(question=f"{rows[-1].question}\n{line}")
        else:
            head.append(line)
    if rows:
        # After a blank line the last answer is followed by how to go on; buttons say that here.
        rows[-1] = rows[-1]._replace(answer=rows[-1].answer.rpartition("\n\n")[0] or rows[-1].answer)
    return step._replace(kind="summary", hint="\n".join(head).strip(), rows=tuple(rows), words=_words(msg))


def _thanks(step: Step, msg: MsgOut, receipt: str) -> Step:
    title, *paragraphs = msg.text.split("\n\n")
    told = [paragraph for paragraph in paragraphs if receipt not in paragraph]
    name, _, keep = next(paragraph for paragraph in paragraphs if receipt in paragraph).partition(receipt)
    # The last paragraph names chat words; the form has buttons.
    return step._replace(
        kind="thanks",
        title=title,
        notes=(keep.strip(), *told[:-1]),
        receipt=receipt,
        receipt_name=name.rstrip(" :"),
    )


def _choice(reply: QuickReply, expects: Expects = "") -> Choice:
    label = next((reply.label.removeprefix(box) for box in _BOXES if reply.label.startswith(box)), reply.label)
    # Beside a number to fill in, its place in the order or the step of a tap would only confuse.
    label = label.rpartition(" (")[0] if reply.amount and expects == "order" else label
    label = _STEP.sub("", label) if expects == "amounts" else label
    return Choice(reply.token, label, reply.number, reply.chosen, reply.amount)


def _parts(reply: QuickReply) -> tuple[str, str, str]:
    """Revision, question key ("" for a chat word) and value of a token; of a chat word only its name."""
    code, _, rest = reply.token.partition(".")
    key, _, value = rest.partition(".")
    return code, key, value if key else value.partition(".")[0]
