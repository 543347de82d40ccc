"""Converts the conversation log into the model of a form page: the current question and the notes before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import dropwhile
from typing import Literal, NamedTuple

from adapters.web.log import ChatEntry
from adapters.web.protocol import direction
from flows.commands.words import Command
from flows.messages import MsgOut, QuickReply, Role, message_as_text
from flows.parts import (
    AboutPart,
    BodyPart,
    EarlierAnswerPart,
    ErrorPart,
    HintPart,
    ImagePart,
    MessagePart,
    NoticePart,
    Parts,
    ProgressPart,
    ProposalCard,
    ReceiptPart,
    SelectionPart,
    SummaryRow,
    TitlePart,
    WarningPart,
)
from flows.plain_text import parts_as_text
from flows.tokens import START, Token

Kind = Literal["question", "summary", "thanks", "menu", "waiting"]


class FormChoice(NamedTuple):
    """An offered answer. `label` has no mark of its state, because fields and boxes show that."""

    token: str
    label: str
    number: int
    is_chosen: bool
    amount: int = 0
    """Its rank, or its amount of a budget."""
    image: ImagePart | None = None

    @property
    def parsed(self) -> Token:
        """The meaning of its token."""
        return Token.parse(self.token)


class Passage(NamedTuple):
    """A piece of text. `language` and `direction` are "" where they equal those of the page."""

    text: str
    gap: str = ""
    """The separator from the previous passage."""
    language: str = ""
    direction: str = ""


class FormStep(NamedTuple):
    """One page of the form: the current state of a conversation."""

    kind: Kind
    seq: int = 0
    language: str = ""
    notes: tuple[str, ...] = ()
    """The bot's previous messages, e.g. how it understood the last answer."""
    note_images: tuple[ImagePart, ...] = ()
    """The images of these messages."""
    about: tuple[str, ...] = ()
    """The bot's messages about the consultation."""
    earlier: EarlierAnswerPart | None = None
    """The current answer to a question that is repeated."""
    caption: str = ""
    """The progress: "question 2 of 5"."""
    title: str = ""
    title_language: str = ""
    """Where the title has another language than the page."""
    image: ImagePart | None = None
    hint: tuple[Passage, ...] = ()
    warning: str = ""
    """What should be looked at before going on, such as personal details in a proposal."""
    expects: str = ""
    options: tuple[FormChoice, ...] = ()
    others: tuple[FormChoice, ...] = ()
    """Answers that are not options of the question: "I do not know"."""
    marks: tuple[FormChoice, ...] = ()
    """Additions to an answer: "important to me"."""
    words: tuple[FormChoice, ...] = ()
    """Commands shown as buttons: chat words such as skip and submit, and commands that only show something."""
    rows: tuple[SummaryRow, ...] = ()
    receipt: str = ""
    receipt_name: str = ""
    links: tuple[tuple[str, str], ...] = ()
    """After the thanks: what can be opened, as label and address."""
    error: str = ""
    """The reason why the last reply was not accepted."""
    most: int = 0
    """The number of options that may be chosen, where more were and nothing else is wrong; else 0."""


def is_language_question(msg: MsgOut) -> bool:
    """Tells whether a message asks for the language, which the page has asked already."""
    return bool(msg.quick_replies) and all(reply.parsed.command == Command.LANGUAGE for reply in msg.quick_replies)


def is_main_menu(entries: Sequence[ChatEntry]) -> bool:
    """Tells whether the bot offers other consultations because none is open for this participant."""
    last = last_message(entries)
    return (
        last is not None and last.msg is not None and any(reply.parsed.key == START for reply in last.msg.quick_replies)
    )


def visible_entries(entries: Sequence[ChatEntry]) -> list[ChatEntry]:
    """Returns the entries that pages show: all but language questions and the first command."""
    last = entries[-1].seq if entries else 0
    said = [e for e in entries if e.msg is None or e.seq == last or not is_language_question(e.msg)]
    return list(dropwhile(lambda entry: entry.msg is None and entry.seq != last, said))


def bot_language(entries: Iterable[ChatEntry]) -> str:
    """Returns the language of the bot's last message, or ""."""
    spoken = [entry.msg.language for entry in entries if entry.msg and not is_language_question(entry.msg)]
    return spoken[-1] if spoken else ""


def last_message(entries: Sequence[ChatEntry]) -> ChatEntry | None:
    """Returns the bot's last message, unless a reply is pending."""
    return entries[-1] if entries and entries[-1].msg is not None else None


def form_step(entries: Sequence[ChatEntry]) -> FormStep:
    """Returns the form page for the current state of the conversation."""
    last = last_message(entries)
    if last is None or last.msg is None:
        return FormStep("waiting", entries[-1].seq if entries else 0)
    step = _told(FormStep("menu", last.seq, last.msg.language), _before(visible_entries(entries)))
    if last.msg.title:
        return _question(step, [entry.msg for entry in entries if entry.msg])
    for part in last.msg.parts:
        if isinstance(part, SummaryRow):
            return _summary(step, last.msg)
        if isinstance(part, ReceiptPart):
            return _thanks(step, last.msg, part)
    return _menu(step, last.msg)


def _before(entries: Sequence[ChatEntry]) -> list[MsgOut]:
    """Returns the bot's messages since the last message of the visitor, without the last one."""
    said: list[MsgOut] = []
    for entry in reversed(entries[:-1]):
        if entry.msg is None or entry.msg.quick_replies:
            break
        said.append(entry.msg)
    return said[::-1]


def _told(step: FormStep, said: Iterable[MsgOut]) -> FormStep:
    """Adds the earlier messages as notes; paragraphs about the consultation are kept apart."""
    notes, about = list(step.notes), list(step.about)
    images = list(step.note_images)
    for msg in said:
        paragraphs, others = _parted(msg.without_images().parts, lambda part: isinstance(part, AboutPart))
        images += msg.images
        about += [parts_as_text(paragraphs, msg.language)] if paragraphs else []
        notes += [parts_as_text(others, msg.language)] if others else []
    return step._replace(notes=tuple(notes), about=tuple(about), note_images=tuple(images))


def _parted(parts: Iterable[MessagePart], is_first: Callable[[MessagePart], bool]) -> tuple[Parts, Parts]:
    found: tuple[list[MessagePart], list[MessagePart]] = [], []
    for part in parts:
        found[not is_first(part)].append(part)
    return tuple(found[0]), tuple(found[1])


def _asks(msg: MsgOut) -> bool:
    """Tells whether a message contains its question. Partial answers and first errors do not repeat it."""
    return any(isinstance(part, TitlePart | ProposalCard) for part in msg.parts)


def _is_whole(msg: MsgOut) -> bool:
    """Tells whether a message contains the complete question; after an error it is repeated in part."""
    return _asks(msg) and not any(isinstance(part, ErrorPart) for part in msg.parts)


def _question(step: FormStep, said: Sequence[MsgOut]) -> FormStep:
    """Returns the page of a question. `said` are the messages of the bot so far."""
    msg = said[-1]
    question = next((it for it in reversed(said) if it.title == msg.title and _is_whole(it)), msg)
    images = {image.number: image for image in question.images}
    options, others = _answers(msg)
    return _remarks(step, msg)._replace(
        kind="question",
        title=msg.title,
        title_language=_title_language(question),
        image=images.get(0),
        caption=_caption(question),
        hint=_hint(question),
        warning=_warning(msg),
        expects=msg.expects,
        options=tuple(option._replace(image=images.get(option.number or -1)) for option in options),
        # An answer in the making does not repeat the ways around it; a page has room for them.
        others=others or _answers(question)[1],
        marks=_choices(msg, "mark"),
        words=_words(msg) or _words(question),
    )


def _remarks(step: FormStep, msg: MsgOut) -> FormStep:
    """Adds the remarks about the last reply: as a note, or as an error if it was not accepted."""
    remarks = [part for part in msg.parts if _is_remark(part, msg)]
    # Text before an error belongs to it.
    last = max((number for number, part in enumerate(remarks, start=1) if isinstance(part, ErrorPart)), default=0)
    wrong, told = remarks[:last], remarks[last:]
    # If too many options are the only error, the page has its own message.
    most = wrong[0].most if len(wrong) == 1 and isinstance(wrong[0], ErrorPart) else 0
    return step._replace(
        notes=(*step.notes, parts_as_text(told, msg.language)) if told else step.notes,
        earlier=next((part for part in msg.parts if isinstance(part, EarlierAnswerPart)), None),
        error=parts_as_text(wrong, msg.language),
        most=most,
    )


def _is_remark(part: MessagePart, msg: MsgOut) -> bool:
    """Tells whether a part is about the last reply. Parts that check boxes show better are left out."""
    if isinstance(part, SelectionPart):
        return not (part.is_list and msg.expects == "many")
    return isinstance(part, NoticePart | ErrorPart)


def _title_language(msg: MsgOut) -> str:
    card = next((part for part in msg.parts if isinstance(part, ProposalCard)), None)
    return _other(card.language, msg) if card and card.text == msg.title else ""


def _caption(msg: MsgOut) -> str:
    return next((part.text for part in msg.parts if isinstance(part, ProgressPart)), "")


def _hint(msg: MsgOut) -> tuple[Passage, ...]:
    """Returns the hints of a question, without how to type numbers in a chat."""
    is_numbered = msg.expects in {"order", "amounts"}
    found: list[Passage] = []
    # The message does not contain its question: only the text of an earlier version is about it.
    for part in msg.parts if _asks(msg) else (part for part in msg.parts if isinstance(part, BodyPart)):
        match part:
            case HintPart(text, is_typing) if not (is_typing and is_numbered):
                found.append(Passage(text, part.gap))
            case BodyPart(text, language):
                found.append(_passage(text, language, part.gap, msg))
            case ProposalCard(text, _, language) if text != msg.title:
                found.append(_passage(parts_as_text([part], msg.language), language, part.gap, msg))
    return (found[0]._replace(gap=""), *found[1:]) if found else ()


def _warning(msg: MsgOut) -> str:
    return "\n".join(part.text for part in msg.parts if isinstance(part, WarningPart))


def _passage(text: str, language: str, gap: str, msg: MsgOut) -> Passage:
    other = _other(language, msg)
    return Passage(text, gap, other, direction(other) if other else "")


def _other(language: str, msg: MsgOut) -> str:
    """Returns the language if it differs from that of the message."""
    return "" if language == msg.language else language


def _answers(msg: MsgOut) -> tuple[tuple[FormChoice, ...], tuple[FormChoice, ...]]:
    """Returns the answers among the quick replies: the options, and "I do not know" and the like."""
    return _choices(msg, "answer"), _choices(msg, "missing")


def _words(msg: MsgOut) -> tuple[FormChoice, ...]:
    """Returns the commands offered as buttons; for successive single choices also "done"."""
    done: tuple[Role, ...] = ("done",) if msg.expects == "one" else ()
    return _choices(msg, "navigation", "look", *done)


def _choices(msg: MsgOut, *roles: Role) -> tuple[FormChoice, ...]:
    return tuple(_choice(reply) for reply in msg.quick_replies if reply.role in roles)


def _summary(step: FormStep, msg: MsgOut) -> FormStep:
    rows = tuple(part for part in msg.parts if isinstance(part, SummaryRow))
    return step._replace(kind="summary", rows=rows, words=_words(msg))


def _thanks(step: FormStep, msg: MsgOut, receipt: ReceiptPart) -> FormStep:
    title = next((part.text for part in msg.parts if isinstance(part, TitlePart)), "")
    bodies = (part.text for part in msg.parts if isinstance(part, BodyPart))
    return step._replace(
        kind="thanks",
        title=title,
        notes=(receipt.after.strip(), *bodies),
        receipt=receipt.code,
        links=tuple((reply.label, reply.link) for reply in msg.quick_replies if reply.link),
        receipt_name=receipt.before.rstrip(" :"),
    )


def _menu(step: FormStep, msg: MsgOut) -> FormStep:
    """Returns the page of any other message; its first line is the heading."""
    title, _, rest = message_as_text(msg).partition("\n")
    hint = (Passage(rest.strip()),) if rest.strip() else ()
    return step._replace(title=title, hint=hint, words=tuple(map(_choice, msg.quick_replies)))


def _choice(reply: QuickReply) -> FormChoice:
    return FormChoice(reply.token, reply.bare_label, reply.number, reply.chosen, reply.amount)
