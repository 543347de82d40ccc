"""Opt-ins: the subjects about which a contact wants messages. Broadcasts go to contacts with a row only.

Belongs to identity, and holds nothing sensitive: everything new, a topic, a district, or what came of one consultation.
The last of these reveals that the contact took part, not what they said.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, ForeignKey, Index, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, exactly, one_of, table_of
from storage.tables.contacts import ContactRow

About = Literal["all", "topic", "district", "outcome"]


class OptInRow(Base):
    """One opt-in of one contact, with the wording that was agreed to."""

    __tablename__ = "opt_ins"
    __table_args__ = (
        one_of("about", get_args(About)),
        exactly("wording_hash", 64),
        Index(None, "about", "subject"),
        {"sqlite_with_rowid": False},
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True)
    about: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)  # topic, district or slug; "" for all
    language: Mapped[str]  # of the text that was agreed to
    wording_hash: Mapped[str]  # its SHA-256
    given_at: Mapped[datetime]


class NewOptIn(NamedTuple):
    """The whole row."""

    contact_id: int
    about: About
    subject: str
    language: str
    wording_hash: str
    given_at: datetime


class SubscriptionKey(NamedTuple):
    """The key of a row."""

    contact_id: int
    about: About
    subject: str


class Subscriber(NamedTuple):
    """A contact with an opt-in and without a "stop". `language`: the chosen one, else the guessed one."""

    contact_id: int
    language: str | None


class _Contact(NamedTuple):
    contact_id: int


_opt_ins = table_of(OptInRow)
_contacts = table_of(ContactRow)
_of_contacts = bulk.ByKeys(
    NewOptIn,
    select(*(_opt_ins.c[field] for field in NewOptIn._fields)).order_by(
        _opt_ins.c.contact_id, _opt_ins.c.about, _opt_ins.c.subject
    ),
    _opt_ins.c.contact_id,
)

_wants_news = select(_opt_ins.c.contact_id).where(
    _opt_ins.c.contact_id == _contacts.c.id, _opt_ins.c.about != text("'outcome'")
)
# Not DISTINCT over a join: PostgreSQL then sorts all that is left for every page.
_language = func.coalesce(_contacts.c.language, _contacts.c.spoken_language)
_asked = select(_contacts.c.id, _language).where(_contacts.c.stopped_at.is_(None), _wants_news.exists())
_asked_among = bulk.ByKeys(Subscriber, _asked, _contacts.c.id)

upsert_opt_ins = bulk.upsert(_opt_ins, NewOptIn, key=("contact_id", "about", "subject"))
"""Stores opt-ins; a repeated one gets the current time and wording."""

withdraw_opt_ins = bulk.delete(_opt_ins, SubscriptionKey)
"""Deletes single opt-ins."""

_withdraw_all = bulk.delete(_opt_ins, _Contact)


def withdraw_all_opt_ins(connection: Connection, contact_ids: Iterable[int]) -> int:
    """Deletes all opt-ins of these contacts."""
    return _withdraw_all(connection, [_Contact(contact_id) for contact_id in contact_ids])


def opt_ins_of_contacts(connection: Connection, contact_ids: Sequence[int]) -> dict[int, list[NewOptIn]]:
    """Returns the opt-ins of these contacts."""
    found: dict[int, list[NewOptIn]] = {}
    for row in _of_contacts(connection, contact_ids):
        found.setdefault(row.contact_id, []).append(row)
    return found


def list_subscribers(connection: Connection, after: int, limit: int) -> list[Subscriber]:
    """Returns the subscribers with ids above ``after``, in the order of their ids."""
    query = _asked.where(_contacts.c.id > after).order_by(_contacts.c.id).limit(limit)
    return [Subscriber._make(row) for row in connection.execute(query)]


def subscribers_among(connection: Connection, contact_ids: Sequence[int]) -> list[Subscriber]:
    """Returns those of these contacts that are (still) subscribers."""
    return list(_asked_among(connection, contact_ids))


def subscriber_ids(connection: Connection, about: About, subject: str, *, after_id: int, limit: int) -> list[int]:
    """Returns the ids of contacts with this opt-in above an id, in order; stopped ones too."""
    query = (
        select(_opt_ins.c.contact_id)
        .where(_opt_ins.c.about == about, _opt_ins.c.subject == subject, _opt_ins.c.contact_id > after_id)
        .order_by(_opt_ins.c.contact_id)
        .limit(limit)
    )
    return list(connection.scalars(query))
