"""Makes `metadata.json`, with the caveats for reading an export."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, get_args

from bot.consultations.visibility import takes_no_answers
from bot.exchange.exports.codebook import MISSING
from bot.results.counts.answer_dataset import AnswerDataset
from flows.wording import Review, Text

Profile = Literal["public", "analysis", "raw"]
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)

FORMAT: Final = 1
"""Raised when a file or column is renamed or changes its meaning; additions do not raise it."""


class ParticipationTotals(NamedTuple):
    """The numbers of participations; None if suppressed as too small."""

    answered: int | None
    begun: int | None
    finished: int | None


_TEXTS: Final = ("title", "asks", "why", "readers", "decides", "feedback", "audience")


def export_metadata(
    subject: AnswerDataset,
    profile: Profile,
    totals: ParticipationTotals,
    contexts: Mapping[str, Mapping[str, int | None]],
    now: datetime,
) -> dict[str, Any]:
    """Returns the content of `metadata.json` except the names of the files. `contexts` has the number of answered
    participations by channel, language, …. Only `exported_at` differs between two exports of the same answers.
    """
    consultation, newest = subject.flow.consultation, subject.newest
    is_public = profile == "public"
    return {
        "format": FORMAT,
        "exported_at": now.isoformat(timespec="seconds"),
        "profile": profile,
        "consultation": newest.slug,
        "sample": newest.sample,
        "state": newest.state,
        "level": consultation.level.value,
        "opens": consultation.opens.isoformat() if consultation.opens else None,
        "closes": consultation.closes.isoformat() if consultation.closes else None,
        "texts": {name: _by_language(getattr(consultation, name)) for name in _TEXTS},
        "languages": [
            {"tag": tag, "review": offer.review.value, "reviewed_by": offer.reviewed_by}
            for tag, offer in consultation.languages.items()
        ],
        "label_language": subject.language,
        "revisions": [
            {
                "number": revision.number,
                "sha256": revision.content_hash,
                "published_at": revision.published_at.isoformat(timespec="seconds"),
            }
            for revision in subject.revisions
        ],
        "participations": totals.answered,
        "participations_by": {name: dict(sorted(cells.items())) for name, cells in contexts.items()},
        "smallest_published_cell": subject.min_cell_size if is_public else None,
        "missing_codes": {code.value: {"de": german, "en": english} for code, (german, english) in MISSING.items()},
        "personal_data": not is_public,
        "data_anonymized": is_public,
        "caveats": [{"de": german, "en": english} for german, english in caveats(subject, profile, now)],
        # `closes` is the end in the file; staff may have closed the consultation earlier or extended it.
        "ends_at": newest.closes_at.isoformat(timespec="seconds") if newest.closes_at else None,
        "participations_begun": totals.begun,
        "participations_finished": totals.finished,
    }


def _by_language(text: Text) -> Mapping[str, str]:
    return {language: wording.plain for language, wording in text.items()}


def caveats(subject: AnswerDataset, profile: Profile, now: datetime) -> list[tuple[str, str]]:
    """Returns the caveats, in German and English."""
    found = []
    if subject.newest.sample:
        found.append(
            (
                "BEISPIEL: Die Befragung ist erfunden; die Antworten gehören in keinen Bericht.",
                "SAMPLE: the consultation is invented; its answers belong into no report.",
            )
        )
    found += _ALWAYS
    if not takes_no_answers(subject.newest, now):
        found.append(
            (
                "Die Befragung ist noch nicht abgeschlossen; die Zahlen können sich ändern.",
                "The consultation is not closed yet; the numbers may change.",
            )
        )
    languages = subject.flow.consultation.languages.items()
    if unreviewed := [tag for tag, offer in languages if offer.review is Review.UNREVIEWED]:
        tags = ", ".join(unreviewed)
        found.append(
            (
                f"Fragetexte in diesen Sprachen hat noch niemand geprüft: {tags}.",
                f"Nobody has reviewed the questions in these languages yet: {tags}.",
            )
        )
    found += _OF_PROFILE[profile]
    return [
        (german.format(least=subject.min_cell_size), english.format(least=subject.min_cell_size))
        for german, english in found
    ]


_ALWAYS: Final = [
    (
        "Wer mitmacht, hat sich selbst dafür entschieden: Das ist keine repräsentative Stichprobe.",
        "People chose to take part: this is no representative sample.",
    ),
    (
        "Jede Person zählt je Kanal einmal; wer mehrere Kanäle nutzt, kann mehrfach vorkommen.",
        "Each person counts once per channel; who uses several may occur several times.",
    ),
]
_OF_PROFILE: Final[dict[Profile, list[tuple[str, str]]]] = {
    "raw": [
        (
            "Personenbezogene Daten (pseudonym, mit freiem Text und genauen Zeiten): nur für das Kernteam, nicht "
            "weitergeben.",
            "Personal data (pseudonymous, with free text and exact times): for the core team only, not to be passed "
            "on.",
        ),
    ],
    "analysis": [
        (
            "Pseudonyme Daten, also personenbezogen: nicht veröffentlichen. Kennungen gelten nur in diesem Export.",
            "Pseudonymous, hence personal data: not to be published. Ids are valid in this export only.",
        ),
        (
            "Freie Texte fehlen, bis ein Mensch sie freigegeben hat; Zeiten stehen als Kalenderwoche da.",
            "Free text is missing until a person has released it; times are calendar weeks.",
        ),
    ],
    "public": [
        (
            "Antworten von weniger als {least} Menschen fehlen, und was sonst verriete, was Einzelne geantwortet "
            "haben; zu persönlichen Fragen sind Zahlen gerundet.",
            "Answers of fewer than {least} people are missing, and whatever would show what single people answered; "
            "numbers of personal questions are rounded.",
        ),
        (
            "Solange die Befragung läuft, können Zahlen in einer Ausgabe von verschiedenen Zeitpunkten sein.",
            "While the consultation runs, figures of one edition may be of different moments.",
        ),
    ],
}
