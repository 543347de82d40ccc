"""The paper questionnaire: made from the same definition, with the same question keys, in every offered language."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from aiohttp import web

from bot.common.i18n import phrase_catalogues
from bot.common.i18n.locale import Locale
from bot.consultations.catalogue import CODE_LENGTH
from bot.web.assisted.device_sessions import entry_code_from
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import language_links, site_of
from bot.web.public.chat import SLUG, is_unreviewed, requested_consultation
from bot.web.public.resume import qr_code
from bot.web.request_locale import COOKIE, preferred_language
from flows.conditions import Condition, Equal, OneOf
from flows.definition import Consultation
from flows.flow import Flow, LocalizedFlow
from flows.messages import Expects, QuickReply
from flows.questions.base import END, LEAVE, Exit, LocalizedQuestion, Node
from flows.questions.pairwise import Pairwise
from flows.values import Missing, Value

LINES: Final = {"text": 7, "number": 1, "order": 1, "amounts": 1}
_MISSING: Final = frozenset(code.value for code in Missing)


class TickBox(NamedTuple):
    """An answer to tick, with its token."""

    token: str
    value: str
    label: str
    number: int = 0


class PaperRow(NamedTuple):
    """One row of a grid question: its form name and its boxes."""

    name: str
    boxes: tuple[TickBox, ...]


class PaperQuestion(NamedTuple):
    """A question as it is printed."""

    number: int
    key: str
    title: str
    hint: str
    expects: Expects
    boxes: tuple[TickBox, ...]
    others: tuple[TickBox, ...]
    """Answers that are not options of the question: "I do not know"."""
    may_be_empty: bool
    type: str
    before: tuple[str, ...] = ()
    """The text before it that contains no question."""
    only: tuple[str, ...] = ()
    """Its condition, in words."""
    jumps: tuple[str, ...] = ()
    """Where to go on after certain answers, in words."""
    rows: tuple[PaperRow, ...] = ()
    """A repeated question, with one tick in each row."""
    is_off: bool = False
    """The question cannot be answered on paper; the sheet names where it can be."""

    @property
    def lines(self) -> int:
        """The number of lines to write on."""
        # A district may also be named by one of its quarters.
        return 1 if self.type == "district" else 0 if self.is_off else LINES.get(self.expects, 0)


def add_paper_routes(router: web.UrlDispatcher) -> None:
    router.add_get(f"/c/{SLUG}/paper", _paper)


@lru_cache(64)
def parse_flow(content: str, content_hash: str) -> Flow:
    """Parses a flow for pages; the flow of conversations belongs to the writing thread."""
    consultation = Consultation.model_validate_json(content)
    catalogues = {tag: phrase_catalogues.load_phrases(tag) for tag in consultation.languages}
    return Flow(consultation, catalogues, content_hash[:CODE_LENGTH])


def flow_of_consultation(published: PublishedConsultation) -> Flow:
    return parse_flow(published.live.content(), published.revision.content_hash)


def paper_questions(flow: Flow, language: str) -> list[PaperQuestion]:
    """Returns the questions of the paper form, in order."""
    localized, locale = flow.localized[language], Locale.of(language)
    numbers = {key: number for number, key in enumerate(flow.questions, start=1)}
    found: list[PaperQuestion] = []
    notes: list[str] = []
    for key, node in flow.nodes.items():
        if not node.waits:
            notes.append(localized.titles[key])
            continue
        asked = localized.questions[key]
        boxes, others = _boxes(asked) if node.on_paper else ((), ())
        rows = _rows(key, asked) if node.on_paper else ()
        found.append(
            PaperQuestion(
                number=numbers[key],
                key=key,
                title=localized.titles[key],
                hint=_hint(flow, key, localized, locale),
                expects=asked.prompt.expects,
                boxes=() if rows else boxes,
                others=others,
                may_be_empty=flow.question(key).skip,
                type=node.type,
                before=tuple(notes),
                only=tuple(_only(node, localized, numbers, locale)),
                jumps=tuple(_jumps(node, localized, numbers, locale)),
                rows=rows,
                is_off=not node.on_paper,
            )
        )
        notes = []
    return found


def _hint(flow: Flow, key: str, localized: LocalizedFlow, locale: Locale) -> str:
    """Returns how to answer with a pen."""
    node, asked = flow.question(key), localized.questions[key]
    if not node.on_paper:
        return locale.say("web.paper.not_here")
    if isinstance(node, Pairwise):
        own = localized.renderer.localized(node.hint) if node.hint else ""
        return "\n".join(filter(None, (own, locale.say("web.paper.rows", min=node.min))))
    return asked.prompt.text.removeprefix(localized.titles[key]).strip()


def _rows(key: str, asked: LocalizedQuestion) -> tuple[PaperRow, ...]:
    return tuple(
        PaperRow(f"{key}-{number}", tuple(TickBox(value, value, label) for value, label in row))
        for number, row in enumerate(asked.paper_rows())
    )


def _boxes(asked: LocalizedQuestion) -> tuple[tuple[TickBox, ...], tuple[TickBox, ...]]:
    """Returns the boxes of the answers and those of "I do not know" and the like."""
    boxes = [box for reply in asked.prompt.quick_replies if (box := _box(reply))]
    return (
        tuple(box for box in boxes if box.value not in _MISSING),
        tuple(box for box in boxes if box.value in _MISSING),
    )


def _box(reply: QuickReply) -> TickBox | None:
    """Returns a quick reply as a box; None for commands and "done"."""
    _, key, value = reply.parsed
    if not key or value.startswith("+"):
        return None
    return TickBox(reply.token, value, reply.bare_label, reply.number)


def _only(node: Node, localized: LocalizedFlow, numbers: dict[str, int], locale: Locale) -> Iterator[str]:
    """Yields the conditions of a question in words; conditions too complex for one line are left to the reader."""
    if node.ask_if is not None:
        named = _named(node.ask_if, localized)
        if named:
            yield locale.say("web.paper.only", number=numbers[named[0]], labels=named[1])
        else:
            yield locale.say("web.paper.maybe")


def _jumps(node: Node, localized: LocalizedFlow, numbers: dict[str, int], locale: Locale) -> Iterator[str]:
    """Yields where to continue after certain answers, if these are answers to this question."""
    for way in node.exits:
        named = _named(way.condition, localized) if way.condition else None
        if named and named[0] == node.key:
            yield _jump(way, named[1], numbers, locale)


def _jump(way: Exit, labels: str, numbers: dict[str, int], locale: Locale) -> str:
    if way.to in {END, LEAVE} or way.to not in numbers:
        return locale.say("web.paper.end", labels=labels)
    return locale.say("web.paper.jump", number=numbers[way.to], labels=labels)


def _named(condition: Condition, localized: LocalizedFlow) -> tuple[str, str] | None:
    """Returns the question and the answers a simple condition names; None for other conditions."""
    values: tuple[Value, ...]
    if isinstance(condition, Equal):
        key, values = condition.equal.question, (condition.equal.value,)
    elif isinstance(condition, OneOf):
        key, values = condition.one_of.question, condition.one_of.values
    else:
        return None
    boxes = {box.value: box.label for box in _boxes(localized.questions[key])[0]}
    labels = [boxes.get(str(value)) or localized.questions[key].label(value) for value in values]
    return key, " / ".join(labels)


def consultation_language(request: web.Request, published: PublishedConsultation) -> str:
    """Returns the language of a page about one consultation: the chosen one, else the browser's."""
    tags = tuple(published.consultation.languages)
    chosen = request.query.get("in", "") or request.cookies.get(COOKIE, "")
    return chosen if chosen in tags else preferred_language(request, tags)


async def _paper(request: web.Request) -> web.Response:
    """Shows the printable questionnaire."""
    site, published = site_of(request), requested_consultation(request)
    language = consultation_language(request, published)
    locale = Locale.of(language)
    texts, zone = published.consultation, site.services.settings.zone()
    closes, place = published.closes(zone), entry_code_from(request)
    link = f"{site.origin(request)}/c/{published.slug}{f'?at={place}' if place else ''}"
    contact = texts.contact
    return site.page(
        request,
        "paper.html",
        locale,
        published=published,
        title=published.text(texts.title, language),
        told={
            name: published.text(getattr(texts, name), language)
            for name in ("asks", "why", "readers", "decides", "feedback", "audience")
        },
        remains=published.text(texts.retention.remains, language),
        contact=[published.text(contact.name, language), published.text(contact.hours, language)],
        ways=[way for way in (contact.phone, contact.email, contact.web) if way],
        until=locale.day(closes) if closes else "",
        questions=paper_questions(flow_of_consultation(published), language),
        languages=[link for link in language_links(request, locale) if link["tag"] in texts.languages],
        is_unreviewed=is_unreviewed(published, language),
        place=place,
        link=link,
        qr=qr_code(link),
        revision=published.revision.number,
    )
