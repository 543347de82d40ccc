"""Computes the audience of a broadcast: matching subscribers within the segment, one address each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

from bot.broadcasts.segments import Segment, SubscriberFacts
from bot.common.ids import day_of
from bot.common.keys import Keys
from bot.consultations.catalogue import Catalogue, PublishedFlow
from bot.privacy import personal_data
from bot.settings import PushSettings
from flows.definition import Consultation
from storage.tables import opt_ins
from storage.tables.broadcasts import EarlierBroadcast, earlier_broadcasts
from storage.tables.contacts import KnownAddress, addresses_of_contacts
from storage.tables.opt_ins import NewOptIn, Subscriber, opt_ins_of_contacts
from storage.tables.participations import ParticipationProgress

PAGE: Final = 1000
"""Contacts per page; limits memory and the time that planning blocks other writes."""

Obstacle = Literal["", "cap", "had_it", "unreachable"]
"""Why a member of the audience gets no message: recipient cap, already received, or unreachable."""


class AudienceMember(NamedTuple):
    """A member of the audience. `why` is the subscription that matched: its kind and subject."""

    contact_id: int
    obstacle: Obstacle
    channel: str
    lookup: bytes
    language: str
    why: tuple[str, str]


@dataclass(slots=True)
class AudienceCount:
    """Result of a dry run: recipients by channel and language, and members without a message by obstacle."""

    recipients: Counter[tuple[str, str]] = field(default_factory=Counter)
    obstacles: Counter[Obstacle] = field(default_factory=Counter)
    examples: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """The subscription of one recipient of each channel and language."""

    @property
    def total(self) -> int:
        return self.recipients.total()

    def add(self, group: AudienceGroup, number: int) -> None:
        if group.obstacle:
            self.obstacles[group.obstacle] += number
        else:
            self.recipients[group.channel, group.language] += number
            self.examples.setdefault((group.channel, group.language), group.why)


class AudienceGroup(NamedTuple):
    """What subscribers have in common whom every segment and every count treats alike."""

    facts: SubscriberFacts
    obstacle: Obstacle
    channel: str
    language: str
    why: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Audience:
    """The audience of one broadcast. `consultations`: ids of the consultations in the segment, by slug."""

    published: PublishedFlow
    segment: Segment
    is_reminder: bool
    keys: Keys
    proactive: frozenset[str]
    push: PushSettings
    consultations: dict[str, int]

    def look(self, connection: Connection, asked: Sequence[Subscriber], now: datetime) -> Iterator[AudienceMember]:
        """Yields the members of the audience among these subscribers, with obstacles."""
        return (member for member, facts in self._examine(connection, asked, now) if self.segment.includes(facts))

    def groups(self, connection: Connection, now: datetime) -> Counter[AudienceGroup]:
        """Counts the groups of all subscribers, in and outside the segment, page by page."""
        found: Counter[AudienceGroup] = Counter()
        for page in subscriber_pages(connection, 0):
            found.update(
                AudienceGroup(facts, it.obstacle, it.channel, it.language, it.why)
                for it, facts in self._examine(connection, page, now)
            )
        return found

    def count(self, groups: Counter[AudienceGroup]) -> AudienceCount:
        """Counts the audience among these groups."""
        result = AudienceCount()
        for group, number in groups.items():
            if self.segment.includes(group.facts):
                result.add(group, number)
        return result

    def _examine(
        self, connection: Connection, asked: Sequence[Subscriber], now: datetime
    ) -> Iterator[tuple[AudienceMember, SubscriberFacts]]:
        """Yields the subscribers to whom the consultation and the kind of broadcast apply, with their facts."""
        ids = [each.contact_id for each in asked]
        wishes = opt_ins_of_contacts(connection, ids)
        addresses = self._addresses(connection, ids)
        own = personal_data.progress_of_contacts(connection, ids, self.published.consultation_id, self.keys)
        others = {
            slug: personal_data.progress_of_contacts(connection, ids, number, self.keys)
            for slug, number in self.consultations.items()
        }
        earlier = earlier_broadcasts(connection, ids)
        for each in asked:
            number = each.contact_id
            why = _covering(self.published.flow.consultation, wishes.get(number, []))
            if why is None or self._is_wrong_time(own.get(number)):
                continue
            address = addresses.get(number)
            language = self._language(each)
            progress = {slug: standings[number] for slug, standings in others.items() if number in standings}
            obstacle = self._obstacle(address, earlier.get(number, []), now)
            channel, lookup = (address.channel, address.lookup) if address else ("", b"")
            member = AudienceMember(number, obstacle, channel=channel, lookup=lookup, language=language, why=why)
            yield member, _facts(wishes[number], each, address, progress)

    def _addresses(self, connection: Connection, ids: list[int]) -> dict[int, KnownAddress]:
        """Returns one reachable address per contact, the newest of several."""
        return {
            row.contact_id: row
            for row in addresses_of_contacts(connection, ids)
            if row.contact_id is not None and row.unreachable_at is None and row.channel in self.proactive
        }

    def _is_wrong_time(self, standing: ParticipationProgress | None) -> bool:
        """Whether the contact is excluded by its progress: invitations exclude started participations, reminders all
        but started, unfinished ones.
        """
        if self.is_reminder:
            return standing is None or standing.status == "completed"
        return standing is not None

    def _language(self, each: Subscriber) -> str:
        offered = self.published.flow.languages
        return each.language if each.language in offered else offered[0]

    def _obstacle(self, address: KnownAddress | None, earlier: list[EarlierBroadcast], now: datetime) -> Obstacle:
        if address is None:
            return "unreachable"
        if any(one.slug == self.published.slug and one.is_reminder == self.is_reminder for one in earlier):
            return "had_it"
        since = day_of(now - timedelta(days=self.push.period_days))
        return "cap" if sum(one.moved_at >= since for one in earlier) >= self.push.max_pushes else ""


def subscriber_pages(connection: Connection, after: int) -> Iterator[list[Subscriber]]:
    """Yields all active subscribers page by page."""
    while page := opt_ins.list_subscribers(connection, after, PAGE):
        yield page
        after = page[-1].contact_id


def consultation_ids(catalogue: Catalogue, slugs: Iterable[str]) -> dict[str, int]:
    """Returns the ids of consultations by slug."""
    return {slug: catalogue.consultation_id(slug) for slug in slugs}


def _covering(consultation: Consultation, wishes: list[NewOptIn]) -> tuple[str, str] | None:
    """Returns the narrowest subscription that covers the consultation; None if there is none."""
    has_all = None
    for wish in wishes:
        if wish.about == "district" and wish.subject in consultation.districts:
            return "district", wish.subject
        if wish.about == "topic" and wish.subject in consultation.topics:
            return "topic", wish.subject
        if wish.about == "all":
            has_all = ("all", "")
    return has_all


def _facts(
    wishes: list[NewOptIn],
    each: Subscriber,
    address: KnownAddress | None,
    progress: Mapping[str, ParticipationProgress],
) -> SubscriberFacts:
    return SubscriberFacts(
        topics=frozenset(wish.subject for wish in wishes if wish.about == "topic"),
        districts=frozenset(wish.subject for wish in wishes if wish.about == "district"),
        wants_all=any(wish.about == "all" for wish in wishes),
        language=each.language or "",
        channel=address.channel if address else "",
        began=frozenset(progress),
        took_part=frozenset(slug for slug, it in progress.items() if it.is_answered),
        finished=frozenset(slug for slug, it in progress.items() if it.status == "completed"),
    )
