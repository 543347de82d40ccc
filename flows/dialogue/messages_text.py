"""The messages which the bot itself composes around the questions: greeting, summary, asides, farewells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from flows.commands.words import Command
from flows.flow import Flow, LocalizedFlow
from flows.languages import LANGUAGES
from flows.messages import MsgOut, QuickReply
from flows.parts import (
    BLANK,
    LINE,
    AboutPart,
    BodyPart,
    EarlierAnswerPart,
    Gap,
    HintPart,
    Parts,
    ProgressPart,
    ProposalCard,
    ReceiptPart,
    SummaryRow,
    TitlePart,
)
from flows.renderer import Renderer
from flows.session import Session
from flows.values import Missing


def localized_flow(flow: Flow, session: Session) -> LocalizedFlow:
    return flow.scripts[session.language]


def renderer_of(flow: Flow, session: Session) -> Renderer:
    """The voice for the bot's own phrases: until an offered language is chosen, the one the person asked for."""
    other = flow.other_voices.get(session.wanted) if session.aside == "language" else None
    return other or localized_flow(flow, session).voice


@lru_cache(256)  # the same for everybody
def greeting_message(flow: Flow, language: str, *, overheard: bool = False) -> MsgOut:
    """Who asks, why, how long, who reads, how long it is kept: all that is to be known before the first question.

    Where the channel is `overheard`, that too, and the way to the web page.
    """
    voice, consultation = flow.scripts[language].voice, flow.consultation
    paragraphs = [
        voice.text(consultation.title),
        voice.say("greeting.sample") if consultation.sample else "",
        voice.say("greeting.bot", asks=voice.text(consultation.asks)),
        voice.text(consultation.why),
        voice.say("greeting.questions", n=len(flow.questions), minutes=consultation.minutes),
        voice.say("greeting.privacy", readers=voice.text(consultation.readers), days=consultation.retention.days),
        _overheard(flow, voice) if overheard else "",
        voice.say("greeting.words"),
    ]
    return voice.message(map(AboutPart, filter(None, paragraphs)))


def _overheard(flow: Flow, voice: Renderer) -> str:
    return " ".join((voice.say("overheard"), voice.say("overheard.link", link=flow.link) if flow.link else "")).strip()


def withheld_notice(flow: Flow, session: Session) -> str:
    """Says that something is not asked here, and where it is."""
    voice = localized_flow(flow, session).voice
    link = voice.say("withheld.link", link=flow.link) if flow.link else ""
    return " ".join((voice.say("withheld"), link)).strip()


def privacy_message(flow: Flow, script: LocalizedFlow) -> MsgOut:
    """Who reads, what is kept how long, and what one can do about it."""
    voice, consultation = script.voice, flow.consultation
    return voice.message(
        voice.say(
            "privacy",
            asks=voice.text(consultation.asks),
            readers=voice.text(consultation.readers),
            days=consultation.retention.days,
            remains=voice.text(consultation.retention.remains),
        )
    )


def contact_message(flow: Flow, script: LocalizedFlow) -> MsgOut:
    """Whom to talk to instead of the bot, and when."""
    voice, contact = script.voice, flow.consultation.contact
    ways = [voice.text(contact.name), contact.phone, contact.email, contact.web, voice.text(contact.hours)]
    return voice.message(map(BodyPart, [voice.say("human"), *filter(None, ways)]))


def language_question(flow: Flow, wanted: str = "") -> MsgOut:
    """Asks for the language: in all of them, or, where `wanted` is not among them, in this one, saying so."""
    if voice := flow.other_voices.get(wanted):
        line = voice.say("language.not_offered", language=LANGUAGES[wanted].name)
        return voice.message(line, flow.language_replies())
    voices = [flow.scripts[tag].voice for tag in flow.languages]
    return MsgOut(each_in_own_language(voices, "language.ask"), flow.language_replies(), flow.languages[0])


def each_in_own_language(voices: Iterable[Renderer], phrase: str) -> Parts:
    """A phrase in several languages; where two say it in the same words, once."""
    said: dict[str, str] = {}
    for voice in voices:
        said.setdefault(voice.say(phrase), voice.language)
    return tuple(BodyPart(text, language) for text, language in said.items())


def only_language_message(flow: Flow, wanted: str) -> MsgOut:
    """Says, in the language that was wanted, that there is just the one that follows."""
    voice, (only,) = flow.other_voices[wanted], flow.languages
    return voice.message(voice.say("language.only", language=flow.consultation.language_name(only)))


def open_question(flow: Flow, session: Session) -> MsgOut:
    """The question that waits, as it stands: with the answer in the making, where there is one."""
    script = localized_flow(flow, session)
    if not session.draft:
        return script.asks[session.at]
    msg = script.asked[session.at].again(session.draft)
    if msg.title and not isinstance(msg.parts[0], TitlePart | ProposalCard):
        return msg
    progress = (part for part in script.asks[session.at].parts if isinstance(part, ProgressPart))
    return msg._replace(parts=(*progress, *msg.parts))


def current_prompt(flow: Flow, session: Session) -> MsgOut:
    """What waits for the person: the open question, or the summary."""
    return open_question(flow, session) if session.at else summary_message(flow, session)


def answer_text(flow: Flow, session: Session, key: str) -> str:
    """An answer in words, also when it is a missing one."""
    script = localized_flow(flow, session)
    if key in session.answers:
        if session.overheard and key in flow.web_only:
            return script.voice.say("summary.hidden")
        if key in session.words:
            return session.words[key]
        return script.asked[key].show(session.answers[key])
    code = session.missing.get(key, Missing.NOT_ASKED)
    return script.voice.say(f"summary.{Missing(code).value}")


def earlier_answer(flow: Flow, session: Session, key: str) -> Parts:
    """What was answered to a question that is asked again."""
    before, after = localized_flow(flow, session).voice.around("back.answer", "answer")
    is_missing = key not in session.answers
    return (EarlierAnswerPart(before, answer_text(flow, session, key), after, is_missing),)


def answered_keys(flow: Flow, session: Session) -> tuple[str, ...]:
    """The answered questions on the way to where the person stands, in order; the summary numbers them like this."""
    return tuple(key for key in flow.path(session).passed if flow.nodes[key].waits)


def summary_message(flow: Flow, session: Session) -> MsgOut:
    """All answers, numbered, to be changed or submitted."""
    voice = localized_flow(flow, session).voice
    head = TitlePart(voice.say("summary.again" if session.submitted else "summary.head"))
    how = HintPart(voice.say("summary.how"), is_typing=True, gap=BLANK)
    return voice.message([head, *_rows(flow, session), how], [voice.command("submit"), voice.command("change")])


def answer_choice_message(flow: Flow, session: Session) -> MsgOut:
    """Asks which answer is to be changed."""
    voice = localized_flow(flow, session).voice
    keys = answered_keys(flow, session)
    replies = [
        QuickReply(voice.command_token(Command.CHANGE, number), short_title(flow, session, key), number)
        for number, key in enumerate(keys, start=1)
    ]
    return voice.message(voice.say("change.which"), replies)


def return_offer_message(flow: Flow, session: Session) -> MsgOut:
    """After a pause or a second start: go on where one was, or start over."""
    voice = localized_flow(flow, session).voice
    text = voice.say("return.offer", title=voice.text(flow.consultation.title), where=progress_text(flow, session))
    replies = [voice.command(word)._replace(number=n) for n, word in enumerate(("continue", "start_over"), start=1)]
    return voice.message(text, replies)


def progress_text(flow: Flow, session: Session) -> str:
    """Where the person stands, in one or two sentences."""
    voice = localized_flow(flow, session).voice
    n = len(answered_keys(flow, session))
    if not session.at and session.submitted and flow.is_trial:
        return voice.say("test.submitted")
    if not session.at:
        return voice.say("status.summary" if not session.submitted else "status.submitted", receipt=session.receipt)
    return voice.say("status.question", n=n, question=_title(flow, session, session.at))


def thanks_message(flow: Flow, session: Session) -> MsgOut:
    """The confirmation: receipt code, what happens when, what one can still do."""
    script, consultation = localized_flow(flow, session), flow.consultation
    voice = script.voice
    if flow.is_trial:
        text = voice.say("test.done", keyword=voice.way_back(consultation.slug))
        return voice.message(text, [start_button(voice, consultation.slug)])
    said = voice.text(consultation.thanks) if consultation.thanks else voice.say("thanks")
    title, *more = said.split(BLANK)
    before, after = voice.around("thanks.receipt", "receipt")
    words = voice.say("thanks.words", keyword=voice.way_back(consultation.slug))
    parts: Parts = (
        TitlePart(title),
        *[BodyPart(paragraph, "", BLANK) for paragraph in more],
        ReceiptPart(before, session.receipt, after, BLANK),
        BodyPart(voice.text(consultation.decides), "", BLANK),
        BodyPart(voice.text(consultation.feedback), "", BLANK),
        HintPart(words, is_typing=True, gap=BLANK),
    )
    news = voice.command("news")
    return voice.message(parts, [news.with_arguments("about", consultation.slug)])


def start_button(voice: Renderer, slug: str) -> QuickReply:
    """A button that leads (back) into a consultation."""
    return voice.command("start").with_arguments(slug)


def _rows(flow: Flow, session: Session) -> Iterator[SummaryRow]:
    for number, key in enumerate(answered_keys(flow, session), start=1):
        gap: Gap = BLANK if number == 1 else LINE
        yield SummaryRow(number, _title(flow, session, key), answer_text(flow, session, key), gap)


def short_title(flow: Flow, session: Session, key: str) -> str:
    """A question in a few words."""
    return _short(_title(flow, session, key))


def _title(flow: Flow, session: Session, key: str) -> str:
    return localized_flow(flow, session).titles[key]


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"
