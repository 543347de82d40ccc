"""What a person who releases proposals is told to look at, and what texts are alike."""

from __future__ import annotations

import pytest

from bot.proposals.similarity import SimilarityIndex
from flows.understanding.flags import VERY_LONG, flags_of


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("Mehr Bänke am Teich, ab 18:00 Uhr Licht, 3.500 Euro im Jahr 2027", []),
        ("Schreiben Sie an ada.muster@example.org", ["email"]),
        ("Bitte anrufen: 030 / 123 45 67", ["phone"]),
        ("٠٣٠ ١٢٣٤٥٦٧ اتصلوا بي", ["phone"]),
        ("Bitte anrufen: 030 / 12 34", ["phone"]),
        ("Bitte anrufen: 030 / 12 3", []),
        ("Nummer 0301234567890123 am Mast", []),
        ("Am 12.10.2026 war es dunkel", []),
        ("Spenden an DE89 3704 0044 0532 0130 00 bitte", ["iban"]),
        ("Spenden an NO93 8601 1117 947 bitte", ["iban"]),
        ("Bestellnummer DE12 3456 7890 1234 5678 90", []),
        ("Der Hof in der Müllerstraße 12a ist dunkel", ["address"]),
        ("In der Müllerstraße ist es dunkel", []),
        ("Ich heiße Ada Muster und will Bänke", ["name"]),
        ("Herr Muster parkt falsch", ["name"]),
        ("Mehr Bänke am Spielplatz, Anna Meier", ["name"]),
        ("Fragen Sie Mehmet Yılmaz oder mich", ["name"]),
        ("Die Anna Seghers-Bibliothek braucht Licht", []),
        ("Am Karl Marx Platz fehlen Bänke", []),
        ("Die Sophie-Scholl-Schule öffnen", []),
        ("Adam und Eva Straße", []),
        ("Max 30 fahren", []),
        ("Меня зовут Иван, нужны скамейки", ["name"]),
        ("اسمي أحمد وأريد مقاعد", ["name"]),
        ("Siehe https://example.org", ["link"]),
        ("<script>alert(1)</script> Bänke", ["markup"]),
        ("=HYPERLINK(1) Bänke", ["formula"]),
        ("Bänke 😀😀😀😀", ["emoji"]),
        ("Bad 😀😀", ["emoji"]),
        ("Bank 😀😀", []),
        ("Bank " * VERY_LONG, ["very_long"]),
    ],
)
def test_flags(text: str, flags: list[str]) -> None:
    language = "ru" if "М" in text[:1] else "ar" if "\u0600" <= text[0] <= "\u06ff" else "de"
    assert flags_of(text, language) == flags


def test_another_script_than_that_of_the_conversation_is_told() -> None:
    assert flags_of("Нужны скамейки у пруда", "de") == ["other_script"]
    assert flags_of("Bank Банк", "de") == [], "half is not most"


def test_similar_texts_are_found_and_removed_ones_are_not() -> None:
    index = SimilarityIndex()
    index.add(1, "Mehr Bäume in der Müllerstraße pflanzen")
    index.add(2, "Solaranlagen sollten auf allen Hausdächern verpflichtend sein und diese auch fördern.")
    index.add(3, "Keine Autos im Kiez")
    assert index.nearest("mehr baeume pflanzen in der Müllerstrasse!") == [1]
    assert index.nearest("Solaranlagen auf allen neuen Dächern vorschreiben") == [2]
    assert index.nearest("Ein Brunnen auf dem Markt") == []
    index.add(1, "Weniger Lärm am Abend")
    assert index.nearest("Mehr Bäume in der Müllerstraße pflanzen") == []
    index.remove(1)
    assert index.nearest("Weniger Lärm am Abend") == []
    assert len(index) == 2
    assert index.nearest("😀😀") == index.nearest("") == []
