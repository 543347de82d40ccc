"""Sanitises incoming messages, so that every database and encoder can store them."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Final

from flows.messages import Location, MsgIn
from flows.understanding.text import clean_text

LONGEST_TEXT: Final = 20_000
"""Maximum length of a text; longer than any answer may be, so that the question still reports "too long"."""
LONGEST_ID: Final = 500
"""Maximum length of an id stored unchanged; an index entry of PostgreSQL has at most 2,700 bytes."""
LONGEST_ADDRESS: Final = 2_000
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_LONGEST_WORD: Final = 1_000
_LONGEST_REF: Final = 10_000


def sanitise_message(msg: MsgIn, now: datetime) -> MsgIn | None:
    """Removes characters that databases, exports or terminals cannot carry. Returns None for an unusable address,
    which makes the message impossible to store or answer.
    """
    msg = _plausible(msg, now)
    if _is_harmless(msg):
        return msg
    if not _is_storable(msg.address, LONGEST_ADDRESS):
        return None
    return msg._replace(
        external_id=_id(msg.external_id),
        edits=_id(msg.edits),
        taken_back=_id(msg.taken_back),
        refers_to=_id(msg.refers_to),
        replies_to=clean_text(msg.replies_to[:LONGEST_TEXT]),
        choice=clean_text(msg.choice[:_LONGEST_WORD]),
        language_hint=clean_text(msg.language_hint[:_LONGEST_WORD]),
        entry_code=clean_text(msg.entry_code[:_LONGEST_WORD]),
        media=clean_text(msg.media[:_LONGEST_WORD]),
        more_refs=tuple(ref for ref in msg.more_refs if _is_storable(ref, _LONGEST_REF)),
        media_ref=msg.media_ref if _is_storable(msg.media_ref, _LONGEST_REF) else "",
    )


def _plausible(msg: MsgIn, now: datetime) -> MsgIn:
    """Returns the message with a clean text, a time that is not in the future, and a place on Earth or none."""
    text = clean_text(msg.text[:LONGEST_TEXT])
    if text != msg.text or msg.sent_at > now:
        msg = msg._replace(text=text, sent_at=min(msg.sent_at, now))
    if msg.room is not None and msg.is_group is msg.room.is_direct:
        msg = msg._replace(is_group=not msg.room.is_direct)
    if msg.location is not None and not _is_on_earth(msg.location):
        msg = msg._replace(location=None, media=msg.media or "other")
    return msg


def _is_harmless(msg: MsgIn) -> bool:
    """Whether all parts can be stored unchanged; a quick test that nearly every message passes."""
    ids = f"{msg.address}{msg.external_id}{msg.edits}{msg.taken_back}{msg.refers_to}"
    rest = f"{msg.choice}{msg.language_hint}{msg.entry_code}{msg.media}{msg.media_ref}{msg.replies_to}"
    is_plain = ids.isascii() and ids.isprintable() and rest.isprintable()
    is_short = len(ids) <= LONGEST_ID and len(rest) <= LONGEST_ID
    return is_plain and is_short and all(_is_storable(ref, _LONGEST_REF) for ref in msg.more_refs)


def _id(name: str) -> str:
    """Returns a channel's id; replaces one that cannot be stored by its digest."""
    if _is_storable(name, LONGEST_ID):
        return name
    return f"digest {hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _is_storable(name: str, longest: int) -> bool:
    return len(name) <= longest and not _UNSTORABLE.search(name)


def _is_on_earth(place: Location) -> bool:
    """Whether coordinates are valid; False for NaN."""
    return -90 <= place.latitude <= 90 and -180 <= place.longitude <= 180
