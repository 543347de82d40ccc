"""`/queue`: what people proposed, to be read, one at a time, with what can be done about it by a tap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bot.desk.registry import Call, command
from bot.proposals.account import accounts, in_words
from bot.proposals.codes import recognise
from bot.proposals.likeness import Similar, similar
from bot.proposals.standing import Standing, by_code, find
from flows.languages import LANGUAGES
from flows.messages import MsgOut, QuickReply
from flows.questions.district import DISTRICTS
from storage import consultations, moderation
from storage.staff import Role

ROLES: Final[tuple[Role, ...]] = ("facilitator", "kernteam")
SEEN: Final = "="
"""Stands before the version of a proposal in the buttons of decisions that are typed with other words behind."""
_SHOWN: Final = 120
"""Characters of a similar proposal."""


@command("queue", roles=ROLES)
def queue(call: Call) -> Iterable[MsgOut]:
    """The oldest proposal that waits, of the consultation named or of all; with a code that one, or the one after."""
    word, *more = call.argument.split() or [""]
    code = recognise(word)
    if code is None:
        if word and not call.catalogue.is_known(word.casefold()):
            return [call.reply("push.unknown", slug=word[:40], slugs=", ".join(call.catalogue.known_slugs()) or "–")]
        return [following(call, word.casefold())]
    standing = by_code(call.connection, code)
    if standing is None:
        return [call.reply("desk.refused.unknown")]
    if more:
        return [following(call, more[1] if len(more) > 1 else "", standing.proposal.id)]
    return [shown(call, standing)]


def following(call: Call, slug: str = "", after_id: int = 0) -> MsgOut:
    """The oldest that waits behind this one, in one consultation or in all; else how many wait before it."""
    revisions = consultations.list_latest(call.connection, ("open", "closed"))
    ids = [one.consultation_id for one in revisions if slug in {"", one.slug}]
    waiting = [number for one in ids for number in moderation.queue(call.connection, one, after_id=after_id, limit=1)]
    if waiting:
        oldest = min(waiting)
        return shown(call, find(call.connection, [oldest])[oldest], slug)
    left = sum(moderation.count_states(call.connection, one).get("waiting", 0) for one in ids)
    if after_id and left:
        again = call.button("button.desk.first", "queue", *filter(None, [slug]))
        return call.reply("desk.queue.end", again, waiting=left)
    return call.reply("desk.queue.empty")


def shown(call: Call, standing: Standing, slug: str = "") -> MsgOut:
    """One proposal: where it stands, what to look at and what is similar; `slug` is what one goes through."""
    about, say = standing.proposal, call.voice.say
    alike = _alike(call, standing)
    lines = [_head(call, standing), "", *filter(None, (about.title, about.text))]
    lines += [f"\n{LANGUAGES[tag].name}: {text.text}" for tag, text in sorted(standing.texts.items())]
    if standing.moderation.flags:
        flags = ", ".join(say(f"desk.flag.{flag}") for flag in standing.moderation.flags)
        lines += ["", say("desk.queue.flags", flags=flags)]
    for other in alike:
        text = " ".join(other.proposal.text.split())[:_SHOWN]
        lines += ["", say("desk.queue.similar", likeness=other.likeness, code=other.proposal.code, text=text)]
    told = in_words(accounts(call.connection, [about.code])[about.code], say, call.voice.language)
    if standing.state == "waiting":
        told = told[1:]  # that somebody reads it
    return call.voice.message(
        "\n".join([*lines, *([""] if told else []), *told]), _buttons(call, standing, alike, slug)
    )


def _head(call: Call, standing: Standing) -> str:
    """Code, consultation, how many wait there; language and district of the person who wrote it."""
    about = standing.proposal
    revision = consultations.newest_of(call.connection, about.consultation_id)
    waiting = moderation.count_states(call.connection, about.consultation_id).get("waiting", 0)
    slug = revision.slug if revision else "?"
    parts = [call.voice.say("desk.queue.head", code=about.code, slug=slug, waiting=waiting)]
    parts += [LANGUAGES[about.language].name] if about.language in LANGUAGES else []
    return " · ".join([*parts, *filter(None, [DISTRICTS.get(about.district or "", about.district)])])


def buttons(call: Call, standing: Standing) -> list[QuickReply]:
    """What can be done with a proposal by a tap: once more, where a tap took them away in a messenger."""
    return list(_buttons(call, standing, _alike(call, standing), ""))


def _alike(call: Call, standing: Standing) -> list[Similar]:
    about = standing.proposal
    return similar(call.connection, about.consultation_id, [about])[about.id]


def _buttons(call: Call, standing: Standing, alike: Iterable[Similar], slug: str) -> Iterator[QuickReply]:
    """A tap decides about what is shown here: the version goes along. Where words are needed it says which."""
    code = standing.proposal.code
    if standing.state == "waiting":
        yield call.button("button.desk.approve", "approve", code, standing.version)
        for other in alike:
            arguments = (code, other.proposal.code, f"{SEEN}{standing.version}")
            yield call.button("button.desk.merge", "merge", *arguments, code=other.proposal.code)
        yield call.button("button.desk.hide", "hide", code)
        yield call.button("button.desk.reword", "reword", code)
    yield call.button("button.desk.next", "queue", code, "next", *filter(None, [slug]))
