"""Own proposals and ratings: seen, withdrawn and deleted in chat, and the counts follow."""

from __future__ import annotations

from sqlalchemy import Connection

from bot import privacy
from bot.catalogue import Catalogue
from bot.effects import Effects, MineWish
from bot.keys import Keys
from bot.proposals import chain
from bot.proposals.codes import recognise
from flows.messages import MsgOut, QuickReply
from flows.voice import Voice
from storage import proposals, ratings
from storage.proposals import StoredProposal, Withdrawal

_SHOWN = 200
"""Characters of a proposal in the list."""


def settle(connection: Connection, asked: Effects, keys: Keys, catalogue: Catalogue) -> Effects:
    """Shows and changes what people brought in, after `asked` was written. Gives what there is to say."""
    late = Effects(asked.ids, asked.now)
    for wish in asked.mine:
        names = privacy.pseudonyms_of(connection, wish.person, keys, catalogue)
        late.say(wish.person, _answer(connection, wish, names, _voice(wish, catalogue), late))
    late.write(connection)
    return late


def _voice(wish: MineWish, catalogue: Catalogue) -> Voice:
    if wish.place is None:
        return catalogue.lobby.voice(wish.asked.language)
    return wish.place.published.flow.scripts[wish.place.session.language].voice


def _answer(connection: Connection, wish: MineWish, names: list[str], voice: Voice, late: Effects) -> MsgOut:
    kind = wish.asked.kind
    if kind == "show":
        return _shown(connection, names, voice)
    if kind == "votes":
        ratings.erase(connection, names)
        return voice.message(voice.say("mine.votes_gone"))
    wanted = recognise(wish.asked.code)
    row = next((it for it in proposals.of_people(connection, names) if it.code == wanted), None)
    if row is None:
        return voice.message(voice.say("mine.unknown"), [voice.command("mine")])
    later = [copy.id for copy in chain.copies(connection, [row.code])]
    if kind == "withdraw":
        if row.withdrawn_at is None:
            proposals.withdraw(connection, [Withdrawal(number, late.now) for number in (row.id, *later)])
        return voice.message(voice.say("mine.taken_back", code=row.code), [_offer(voice, "delete", row)])
    proposals.erase_some(connection, [row.id, *later])
    return voice.message(voice.say("mine.deleted", code=row.code))


def _shown(connection: Connection, names: list[str], voice: Voice) -> MsgOut:
    own = proposals.of_people(connection, names)
    rated = len(ratings.of_people(connection, names))
    lines = [voice.say("mine.head") if own or rated else voice.say("mine.nothing")]
    replies: list[QuickReply] = []
    for row in own:
        state = "withdrawn" if row.withdrawn_at else "released" if row.released_at else "waiting"
        text = f"{row.title}: {row.text}" if row.title else row.text
        lines += ["", f"{row.code} ({voice.say(f'mine.{state}')})", text[:_SHOWN]]
        replies += [] if row.withdrawn_at else [_offer(voice, "withdraw", row)]
        replies.append(_offer(voice, "delete", row))
    if rated:
        lines += ["", voice.say("mine.votes", n=rated)]
        mine = voice.command("mine")
        replies.append(mine._replace(token=f"{mine.token}.votes", label=voice.say("mine.delete_votes")))
    if own:
        lines += ["", voice.say("mine.how", code=own[-1].code)]
    return voice.message("\n".join(lines), replies)


def _offer(voice: Voice, kind: str, row: StoredProposal) -> QuickReply:
    mine = voice.command("mine")
    label = f"{voice.words(f'words.mine.{kind}')[0].capitalize()} {row.code}"
    return mine._replace(token=f"{mine.token}.{kind}.{row.code}", label=label)
