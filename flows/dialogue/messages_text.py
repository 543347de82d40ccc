"""Messages around the questions: greeting, summary, side questions, confirmations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from flows.commands.words import MESSAGES_KEPT_DAYS, Command
from flows.dialogue.piping import with_answers
from flows.events import PersonAsked
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
from flows.phrase_families import MISSING_IN_SUMMARY
from flows.plain_text import shortened
from flows.renderer import Renderer
from flows.session import Session
from flows.tokens import MENU, Token
from flows.values import Missing


def localized_flow(flow: Flow, session: Session) -> LocalizedFlow:
    """Returns the flow in the language of the session, with the answers of the session filled into its texts."""
    shared = flow.localized[session.language]
    return with_answers(flow, shared, session) if flow.has_references else shared


def renderer_of(flow: Flow, session: Session) -> Renderer:
    """Returns the renderer of the bot's own phrases: the requested language until an offered one is chosen."""
    other = flow.other_renderers.get(session.wanted) if session.aside == "language" else None
    return other or localized_flow(flow, session).renderer


@lru_cache(256)  # the same for all contacts
def greeting_message(flow: Flow, language: str, *, overheard: bool = False) -> MsgOut:
    """Returns the information before the first question, in five lines: asking body, purpose, duration, that it is
    voluntary, and the word that leads to readers, retention and rights (a layered notice, `privacy_message`).

    `overheard` adds a warning that the channel is not confidential, and the link to the web page.
    """
    renderer, consultation = flow.localized[language].renderer, flow.consultation
    questions = renderer.text(
        "greeting.questions", n=len(flow.questions), minutes=renderer.minutes(consultation.minutes)
    )
    sample = renderer.text("greeting.sample") if consultation.sample else ""
    lines = [
        " ".join(filter(None, (renderer.localized(consultation.title), sample))),
        renderer.text("greeting.bot", asks=renderer.localized(consultation.asks)),
        renderer.localized(consultation.why),
        f"{questions} {renderer.text('greeting.counts')}",
        renderer.text("greeting.voluntary"),
        _overheard(flow, renderer) if overheard else "",
    ]
    return renderer.message(AboutPart(line, LINE) for line in lines if line)


def _overheard(flow: Flow, renderer: Renderer) -> str:
    return " ".join(
        (renderer.text("overheard"), renderer.text("overheard.link", link=flow.link) if flow.link else "")
    ).strip()


def withheld_notice(flow: Flow, session: Session) -> str:
    """Returns the notice that a question is not asked on this channel, with the link to the web page."""
    renderer = localized_flow(flow, session).renderer
    link = renderer.text("withheld.link", link=flow.link) if flow.link else ""
    return " ".join((renderer.text("withheld"), link)).strip()


def privacy_message(flow: Flow, localized: LocalizedFlow) -> MsgOut:
    """Returns the privacy information: readers, retention, rights."""
    renderer, consultation = localized.renderer, flow.consultation
    return renderer.message(
        renderer.text(
            "privacy",
            asks=renderer.localized(consultation.asks),
            readers=renderer.localized(consultation.readers),
            days=renderer.days(consultation.retention.days),
            remains=renderer.localized(consultation.retention.remains),
        )
    )


def contact_message(flow: Flow, localized: LocalizedFlow) -> MsgOut:
    """Returns the contact person and their hours."""
    renderer, contact = localized.renderer, flow.consultation.contact
    ways = [
        renderer.localized(contact.name),
        contact.phone,
        contact.email,
        contact.web,
        renderer.localized(contact.hours),
    ]
    return renderer.message(map(BodyPart, [renderer.text("human"), *filter(None, ways), how_to_write(renderer)]))


def how_to_write(renderer: Renderer) -> str:
    """Returns how to write to the team in the chat."""
    return renderer.text("human.write", word=renderer.words("words.human")[0])


def passed_on(renderer: Renderer) -> MsgOut:
    """Returns the confirmation that the team has the words of a contact, and for how long."""
    return renderer.message(renderer.text("human.passed_on", days=renderer.days(MESSAGES_KEPT_DAYS)))


def held_back(renderer: Renderer) -> MsgOut:
    """Returns that the team has enough messages of a contact to read first."""
    return renderer.message(renderer.text("human.full", word=renderer.words("words.human")[0]))


def words_to_people(renderer: Renderer, words: str) -> PersonAsked:
    """Returns the event of words for the team."""
    return PersonAsked(words, passed_on(renderer), held_back(renderer))


def language_question(flow: Flow, wanted: str = "") -> MsgOut:
    """Asks for the language in all offered languages, or, if `wanted` is not offered, explains that in `wanted`."""
    if renderer := flow.other_renderers.get(wanted):
        line = renderer.text("language.not_offered", language=LANGUAGES[wanted].name)
        return renderer.message(line, flow.language_replies())
    renderers = [flow.localized[tag].renderer for tag in flow.languages]
    return MsgOut(each_in_own_language(renderers, "language.ask"), flow.language_replies(), flow.languages[0])


def each_in_own_language(renderers: Iterable[Renderer], phrase: str) -> Parts:
    """Renders a phrase in several languages, without duplicates."""
    said: dict[str, str] = {}
    for renderer in renderers:
        said.setdefault(renderer.text(phrase), renderer.language)
    return tuple(BodyPart(text, language) for text, language in said.items())


def only_language_message(flow: Flow, wanted: str) -> MsgOut:
    """Reports, in the requested language, the only language that is offered."""
    renderer, (only,) = flow.other_renderers[wanted], flow.languages
    return renderer.message(renderer.text("language.only", language=flow.consultation.language_name(only)))


def open_question(flow: Flow, session: Session) -> MsgOut:
    """Returns the prompt of the open question, with its partial answer if there is one."""
    localized = localized_flow(flow, session)
    if not session.draft:
        return localized.prompts[session.at]
    asked = localized.questions[session.at]
    msg = asked.aloud(asked.prompt_for(session.draft))
    if msg.title and not isinstance(msg.parts[0], TitlePart | ProposalCard):
        return msg  # a partial answer, or a question with a progress of its own
    progress = (part for part in localized.prompts[session.at].parts if isinstance(part, ProgressPart))
    return msg._replace(parts=(*progress, *msg.parts))


def current_prompt(flow: Flow, session: Session) -> MsgOut:
    """Returns the open question, or the summary."""
    return open_question(flow, session) if session.at else summary_message(flow, session)


def open_message(flow: Flow, session: Session) -> MsgOut:
    """Returns what waits for an answer: the side question, the question or the summary, with its quick replies.

    Every answer to a side question ends with it.
    """
    match session.aside:
        case "language":
            return language_question(flow, session.wanted)
        case "return":
            return return_offer_message(flow, session)
        case "change":
            return answer_choice_message(flow, session)
    return current_prompt(flow, session)


def answer_text(flow: Flow, session: Session, key: str) -> str:
    """Returns an answer or a missing code as text."""
    localized = localized_flow(flow, session)
    if key in session.answers:
        if session.overheard and key in flow.web_only:
            return localized.renderer.text("summary.hidden")
        if key in session.words:
            return session.words[key]
        return localized.questions[key].show(session.answers[key])
    code = session.missing.get(key, Missing.NOT_ASKED)
    return localized.renderer.text(MISSING_IN_SUMMARY[Missing(code)])


def earlier_answer(flow: Flow, session: Session, key: str) -> Parts:
    """Returns the stored answer to a question that is asked again."""
    before, after = localized_flow(flow, session).renderer.text_around("back.answer", "answer")
    is_missing = key not in session.answers
    return (EarlierAnswerPart(before, answer_text(flow, session, key), after, is_missing),)


def answered_keys(flow: Flow, session: Session) -> tuple[str, ...]:
    """Returns the answered questions on the path, in the order in which the summary numbers them."""
    return tuple(key for key in flow.path(session).passed if flow.nodes[key].waits)


def summary_message(flow: Flow, session: Session) -> MsgOut:
    """Returns all answers, numbered, to change or to submit."""
    renderer = localized_flow(flow, session).renderer
    head = TitlePart(renderer.text("summary.again" if session.submitted else "summary.head"))
    how = HintPart(renderer.text("summary.how"), is_typing=True, gap=BLANK)
    return renderer.message(
        [head, *_rows(flow, session), how], [renderer.command("submit"), renderer.command("change")]
    )


def answer_choice_message(flow: Flow, session: Session) -> MsgOut:
    """Asks which answer to change."""
    renderer = localized_flow(flow, session).renderer
    keys = answered_keys(flow, session)
    replies = [
        QuickReply(renderer.command_token(Command.CHANGE, number), short_title(flow, session, key), number)
        for number, key in enumerate(keys, start=1)
    ]
    return renderer.message(renderer.text("change.which"), replies)


def return_offer_message(flow: Flow, session: Session) -> MsgOut:
    """Offers to continue or to start over, after a pause or a second start."""
    renderer = localized_flow(flow, session).renderer
    text = renderer.text(
        "return.offer", title=renderer.localized(flow.consultation.title), where=progress_text(flow, session)
    )
    replies = [renderer.command(word)._replace(number=n) for n, word in enumerate(("continue", "start_over"), start=1)]
    return renderer.message(text, replies)


def progress_text(flow: Flow, session: Session) -> str:
    """Returns the progress in one or two sentences."""
    renderer = localized_flow(flow, session).renderer
    n = len(answered_keys(flow, session))
    if not session.at and session.submitted and flow.is_trial:
        return renderer.text("test.submitted")
    if not session.at:
        return renderer.text("status.summary" if not session.submitted else "status.submitted", receipt=session.receipt)
    return renderer.text("status.question", n=n, question=_title(flow, session, session.at))


def thanks_message(flow: Flow, session: Session) -> MsgOut:
    """Returns the confirmation: receipt code, next steps, remaining options."""
    localized, consultation = localized_flow(flow, session), flow.consultation
    renderer = localized.renderer
    if flow.is_trial:
        text = renderer.text("test.done", keyword=renderer.return_command(consultation.slug))
        return renderer.message(text, [start_button(renderer, consultation.slug)])
    said = renderer.localized(consultation.thanks) if consultation.thanks else renderer.text("thanks")
    title, *more = said.split(BLANK)
    before, after = renderer.text_around("thanks.receipt", "receipt")
    words = renderer.text("thanks.words", keyword=renderer.return_command(consultation.slug))
    parts: Parts = (
        TitlePart(title),
        *[BodyPart(paragraph, "", BLANK) for paragraph in more],
        ReceiptPart(before, session.receipt, after, BLANK),
        BodyPart(renderer.localized(consultation.decides), "", BLANK),
        BodyPart(renderer.localized(consultation.feedback), "", BLANK),
        HintPart(words, is_typing=True, gap=BLANK),
    )
    return renderer.message(parts, ways_on(flow, session))


def ways_on(flow: Flow, session: Session) -> list[QuickReply]:
    """Returns what a contact can do after submitting: look, change, go on, share, be told."""
    renderer, slug = localized_flow(flow, session).renderer, flow.consultation.slug
    change, own = start_button(renderer, slug), _own_proposals(flow, session)
    pages = [
        *((f"/p/{code}", "after.proposal") for code in own),
        (f"/results/{slug}", "after.results"),
        (f"/c/{slug}", "after.share"),
        *([(f"/c/{slug}/calendar.ics", "after.calendar")] if flow.consultation.closes else []),
    ]
    links = [change._replace(label=renderer.text(phrase), link=flow.page(path)) for path, phrase in pages if flow.link]
    menu = Token.of_command(MENU, Command.START).format()
    return [
        *links,
        *([renderer.command("mine")] if own and not flow.link else []),
        change._replace(label=renderer.text("button.change")),
        QuickReply(menu, renderer.text("after.next"), role="navigation"),
        renderer.command("news").with_arguments("about", slug),
    ]


def _own_proposals(flow: Flow, session: Session) -> list[str]:
    """Returns the codes of the proposals that were submitted in this session."""
    proposing = (key for key in flow.questions if flow.nodes[key].carries == "proposal" and key in session.words)
    return [str(session.answers[key]) for key in proposing if key in session.answers]


def finished_message(flow: Flow, session: Session) -> MsgOut:
    """Returns what a contact who has submitted is told about any further message."""
    renderer = localized_flow(flow, session).renderer
    text = renderer.text("late.finished", title=renderer.localized(flow.consultation.title))
    return renderer.message(text, ways_on(flow, session))


def start_button(renderer: Renderer, slug: str) -> QuickReply:
    """Returns a button that starts or reopens a consultation."""
    return renderer.command("start").with_arguments(slug)


def _rows(flow: Flow, session: Session) -> Iterator[SummaryRow]:
    for number, key in enumerate(answered_keys(flow, session), start=1):
        gap: Gap = BLANK if number == 1 else LINE
        yield SummaryRow(number, _title(flow, session, key), answer_text(flow, session, key), gap)


def short_title(flow: Flow, session: Session, key: str) -> str:
    """Returns a shortened question title."""
    return shortened(_title(flow, session, key))


def _title(flow: Flow, session: Session, key: str) -> str:
    return localized_flow(flow, session).titles[key]
