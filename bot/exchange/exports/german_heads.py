"""The German names of columns in workbooks. In the sheet of codes and in CSV files columns keep their names."""

from __future__ import annotations

from typing import Final

_HEADS: Final = {
    "agrees": "Zustimmungen",
    "agrees_by_events": "Zustimmungen, alle Bewertungen",
    "answered": "Beantwortet",
    "asked": "Gefragt",
    "at": "Zeit",
    "body": "Zuständige Stelle",
    "chance_high": "Intervall bis",
    "chance_low": "Intervall von",
    "code": "Kürzel",
    "condition": "Bedingung",
    "created_at": "Eingereicht",
    "disagrees": "Ablehnungen",
    "disagrees_by_events": "Ablehnungen, alle Bewertungen",
    "district": "Bezirk",
    "entry": "Eintrag",
    "figure": "Wert",
    "group": "Gruppe",
    "group_informed_high": "Zustimmung aller Gruppen bis",
    "group_informed_low": "Zustimmung aller Gruppen von",
    "important": "Wichtig",
    "kind": "Art",
    "label": "Beschriftung",
    "language": "Sprache",
    "latitude": "Breitengrad",
    "link": "Link",
    "longitude": "Längengrad",
    "merged_into": "Zusammengelegt mit",
    "method": "Verfahren",
    "n": "Anzahl",
    "option": "Option",
    "original_language": "Sprache des Originals",
    "passes": "Unentschieden",
    "passes_by_events": "Unentschieden, alle Bewertungen",
    "people": "Menschen",
    "place": "Ort oder Platz",
    "question_key": "Frage",
    "question_type": "Fragetyp",
    "rated_at": "Bewertet",
    "reason": "Grund",
    "reason_language": "Sprache des Grundes",
    "released_at": "Freigegeben",
    "response_id": "Kennung",
    "revisions": "Fassungen",
    "rounded": "Gerundet",
    "sector": "Bereich",
    "seen": "Bewertungen",
    "sensitive": "Vertraulich",
    "smoothed_high": "Zustimmung geglättet bis",
    "smoothed_low": "Zustimmung geglättet von",
    "source": "Quelle",
    "source_id": "Nummer in der Quelle",
    "split_from": "Geteilt aus",
    "stands_for": "Steht für",
    "state": "Zustand",
    "status": "Stand",
    "suppressed": "Weggelassen",
    "table": "Tabelle",
    "text": "Text",
    "title": "Titel",
    "topic": "Thema",
    "translator": "Übersetzung durch",
    "variable": "Spalte",
    "vote": "Bewertung",
    "votes": "Bewertungen zusammen",
    "votes_by_events": "Bewertungen zusammen, alle",
    "withheld": "Nicht freigegeben",
}


def german_head(name: str) -> str:
    """Returns the German name of a column.

    >>> german_head("created_at"), german_head("label_tr")
    ('Eingereicht', 'Beschriftung (tr)')
    """
    if name.startswith("label_"):
        return f"Beschriftung ({name.removeprefix('label_')})"
    return _HEADS[name]
