"""Reading and releasing what people proposed: `/queue` and the decisions, by taps and words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from bot.desk.registry import Call, command
from bot.proposals import answering, joining, moderating
from bot.proposals.answering import REQUIRED, Outcome
from bot.proposals.codes import recognise
from bot.proposals.likeness import similar
from bot.proposals.moderating import Chair, Wording
from bot.proposals.standing import Reason, Refusal, Standing, by_code, find
from flows.messages import MsgOut, QuickReply
from storage import consultations, moderation
from storage.consultations import PublishedRevision
from storage.proposals import Status
from storage.staff import Role

ROLES: Final[tuple[Role, ...]] = ("facilitator", "kernteam")
_LANGUAGE: Final = re.compile(r"^([a-z]{2}(?:-simple)?):\s*", re.MULTILINE)
_SHOWN: Final = 120
"""Characters of a similar proposal."""
_STATUSES: Final[tuple[Status, ...]] = ("under_consideration", "next_phase", "accepted", "rejected", "done")
_PHRASES: Final[dict[Reason, str]] = {
    "unknown": "unknown",
    "changed": "changed",
    "withdrawn": "changed",
    "already": "changed",
    "twice": "twice",
    "itself": "target",
    "merged": "target",
    "elsewhere": "target",
    "reason_languages": "reason_languages",
}
"""How a refusal is said; all others are about missing or useless words."""

Decide = Callable[[Call, Chair, Standing, str], Standing]


@command("queue", roles=ROLES)
def queue(call: Call) -> Iterable[MsgOut]:
    """The oldest proposal that waits, of the consultation named or of all; with a code that one, or the one after."""
    word, _, after = call.argument.partition(" ")
    code = recognise(word)
    if code is None:
        return [_next(call, word)]
    standing = by_code(call.connection, code)
    if standing is None:
        return [call.reply("desk.refused.unknown")]
    return [_next(call, "", standing.proposal.id) if after else _shown(call, standing)]


def _next(call: Call, slug: str, after_id: int = 0) -> MsgOut:
    for revision in consultations.list_latest(call.connection, ("open", "closed")):
        if slug not in {"", revision.slug}:
            continue
        ids = moderation.queue(call.connection, revision.consultation_id, after_id=after_id, limit=1)
        if ids:
            return _shown(call, find(call.connection, ids)[ids[0]], revision)
    return call.reply("desk.queue.empty")


def _shown(call: Call, standing: Standing, revision: PublishedRevision | None = None) -> MsgOut:
    """One proposal with its flags and similar ones side by side, and what can be done by a tap."""
    about, say = standing.proposal, call.voice.say
    revision = revision or consultations.newest_of(call.connection, about.consultation_id)
    waiting = moderation.count_states(call.connection, about.consultation_id).get("waiting", 0)
    lines = [say("desk.queue.head", code=about.code, slug=revision.slug if revision else "?", waiting=waiting), ""]
    lines += [part for part in (about.title, about.text) if part]
    if standing.moderation.flags:
        lines += ["", say("desk.queue.flags", flags=", ".join(standing.moderation.flags))]
    for other in similar(call.connection, about.consultation_id, [about])[about.id]:
        text = " ".join(other.proposal.text.split())[:_SHOWN]
        lines += ["", say("desk.queue.similar", likeness=other.likeness, code=other.proposal.code, text=text)]
    if standing.steps:
        lines += ["", say("account.status", status=say(f"account.status.{about.status}"))]
    return call.voice.message("\n".join(lines), _buttons(call, standing))


def _buttons(call: Call, standing: Standing) -> Iterator[QuickReply]:
    """A tap decides about what is shown here: the version goes along."""
    code = standing.proposal.code
    if standing.state == "waiting":
        yield call.button("button.desk.approve", "approve", code, standing.version)
    yield call.button("button.desk.next", "queue", code, "next")


def _decision(name: str, decide: Decide) -> None:
    """Enters a command which is a code and what the decision needs; says what came of it, then what waits next."""

    def run(call: Call) -> Iterable[MsgOut]:
        word, rest = (*call.argument.split(maxsplit=1), "", "")[:2]
        standing = by_code(call.connection, recognise(word) or "")
        if standing is None:
            yield call.reply("desk.refused.unknown" if word else "desk.refused.words", usage=_usage(call, name))
            return
        code = standing.proposal.code
        member = call.member
        chair = Chair(call.connection, call.keys, call.effects.ids, call.now, member.staff_id, member.name)
        try:
            after = decide(call, chair, standing, rest.strip())
        except Refusal as refusal:
            yield _refused(call, name, code, refusal)
            return
        is_half = name == "approve" and after.state == "waiting"
        yield call.reply("desk.second" if is_half else "desk.decided", code=code)
        if name in {"approve", "hide", "merge", "split", "restore"}:
            yield _next(call, "")

    command(name, roles=ROLES)(run)


def _usage(call: Call, name: str) -> str:
    return call.voice.say(f"desk.help.{name}")


def _refused(call: Call, name: str, code: str, refusal: Refusal) -> MsgOut:
    phrase = _PHRASES.get(refusal.reason, "words")
    languages = refusal.values.get("languages", "")
    return call.reply(f"desk.refused.{phrase}", code=code, languages=languages, usage=_usage(call, name))


def _approve(call: Call, chair: Chair, standing: Standing, rest: str) -> Standing:
    return moderating.approve(chair, standing.proposal.id, seen=rest or None)


def _hide(call: Call, chair: Chair, standing: Standing, rest: str) -> Standing:
    return moderating.hide(chair, standing.proposal.id, rest)


def _reword(call: Call, chair: Chair, standing: Standing, rest: str) -> Standing:
    reason, _, text = rest.partition("\n")
    return moderating.edit(chair, standing.proposal.id, Wording(standing.proposal.title, text), reason)


def _merge(call: Call, chair: Chair, standing: Standing, rest: str) -> Standing:
    code, _, reason = rest.partition(" ")
    target = by_code(call.connection, recognise(code) or "")
    if target is None:
        raise Refusal("unknown")
    return joining.merge(chair, standing.proposal.id, target.proposal.id, reason)


def _split(call: Call, chair: Chair, standing: Standing, rest: str) -> Standing:
    parts = [Wording(None, line.strip()) for line in rest.splitlines() if line.strip()]
    return joining.split(chair, standing.proposal.id, parts)[0]


def _restore(call: Call, chair: Chair, standing: Standing, rest: str) -> Standing:
    return joining.restore(chair, standing.proposal.id, rest)


def _translate(call: Call, chair: Chair, standing: Standing, rest: str) -> Standing:
    language, _, text = rest.partition(" ")
    # Whoever types it here speaks the language.
    return moderating.translate(chair, standing.proposal.id, language, Wording(None, text), reviewed=True)


def _answer(call: Call, chair: Chair, standing: Standing, rest: str) -> Standing:
    word, _, reasons = rest.partition(" ")
    status = next((one for one in _STATUSES if one == word.lower().replace("-", "_")), None)
    if status is None:
        raise Refusal("status")
    first, *others = _LANGUAGE.split(reasons)
    reason = {REQUIRED: first.strip()} | dict(zip(others[::2], map(str.strip, others[1::2]), strict=True))
    return answering.set_status(chair, standing.proposal.id, Outcome(status, reason))


_ALL: Final[dict[str, Decide]] = {
    "approve": _approve,
    "hide": _hide,
    "reword": _reword,
    "merge": _merge,
    "split": _split,
    "restore": _restore,
    "translate": _translate,
    "answer": _answer,
}
for _name, _decide in _ALL.items():
    _decision(_name, _decide)
