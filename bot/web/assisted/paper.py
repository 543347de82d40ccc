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
from flows.parts import ImagePart
from flows.questions.base import END, LEAVE, Exit, LocalizedQuestion, Node
from flows.values import Missing, Value

_MISSING: Final = frozenset(code.value for code in Missing)


class TickBox(NamedTuple):
    """An answer to tick, with its token."""

    token: str
    value: str
    label: str
    number: int = 0
    image: ImagePart | None = None


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
    layout: str
    """Arrangement of the boxes (`Node.paper_layout`)."""
    lines: int
    """The number of lines to write on."""
    before: tuple[str, ...] = ()
    """The text before it that contains no question."""
    only: tuple[str, ...] = ()
    """Its condition, in words."""
    jumps: tuple[str, ...] = ()
    """Where to go on after certain answers, in words."""
    rows: tuple[PaperRow, ...] = ()
    """A repeated question, with one tick in each row."""
    table: str = ""
    """The question of the matrix of which this is a row; "" for other questions."""
    row: str = ""
    """What the row rates."""
    is_continued: bool = False
    """Whether it is a later row, which the table of the first one contains."""
    image: ImagePart | None = None
    is_off: bool = False
    """The question cannot be answered on paper; the sheet names where it can be."""


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
        question = PaperQuestion(
            number=numbers[key],
            key=key,
            title=localized.titles[key],
            hint=locale.text("web.paper.not_here"),
            expects=asked.prompt.expects,
            boxes=(),
            others=(),
            may_be_empty=flow.question(key).skip,
            layout=node.paper_layout,
            lines=0,
            before=tuple(notes),
            only=tuple(_only(node, localized, numbers, locale)),
            jumps=tuple(_jumps(node, localized, numbers, locale)),
            table=localized.renderer.localized(node.text) if node.table else "",
            is_continued=bool(node.table) and bool(found) and flow.nodes[found[-1].key].table == node.table,
            row=localized.renderer.localized(node.row_text) if node.row_text else "",
            image=next((image for image in asked.prompt.images if not image.number), None),
            is_off=True,
        )
        found.append(_answerable(question, node, asked) if node.on_paper else question)
        notes = []
    return found


def _answerable(question: PaperQuestion, node: Node, asked: LocalizedQuestion) -> PaperQuestion:
    """Adds what a participant fills in: boxes, rows of boxes, or lines."""
    rows = _rows(node.key, asked)
    boxes, others = _boxes(asked)
    return question._replace(
        hint=asked.paper_hint(),
        boxes=() if rows else boxes,
        others=others,
        lines=node.paper_lines,
        rows=rows,
        is_off=False,
    )


def _rows(key: str, asked: LocalizedQuestion) -> tuple[PaperRow, ...]:
    return tuple(
        PaperRow(f"{key}-{number}", tuple(TickBox(value, value, label) for value, label in row))
        for number, row in enumerate(asked.paper_rows())
    )


def _boxes(asked: LocalizedQuestion) -> tuple[tuple[TickBox, ...], tuple[TickBox, ...]]:
    """Returns the boxes of the answers and those of "I do not know" and the like."""
    images = {image.number: image for image in asked.prompt.images}
    boxes = [
        box._replace(image=images.get(box.number or -1)) for reply in asked.prompt.quick_replies if (box := _box(reply))
    ]
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
            yield locale.text("web.paper.only", number=numbers[named[0]], labels=named[1])
        else:
            yield locale.text("web.paper.maybe")


def _jumps(node: Node, localized: LocalizedFlow, numbers: dict[str, int], locale: Locale) -> Iterator[str]:
    """Yields where to continue after certain answers, if these are answers to this question."""
    for way in node.exits:
        named = _named(way.condition, localized) if way.condition else None
        if named and named[0] == node.key:
            yield _jump(way, named[1], numbers, locale)


def _jump(way: Exit, labels: str, numbers: dict[str, int], locale: Locale) -> str:
    if way.to in {END, LEAVE} or way.to not in numbers:
        return locale.text("web.paper.end", labels=labels)
    return locale.text("web.paper.jump", number=numbers[way.to], labels=labels)


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
        "assisted/paper.html",
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
