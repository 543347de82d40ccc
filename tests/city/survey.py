"""The city's questions: every type, in four languages, with conditions; and the changes of the second revision.

The same description generates the consultation file and defines the valid answers for residents and ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

SLUG: Final = "viertel"
LANGUAGES: Final = ("de", "en", "tr", "ar")
LEAST: Final = 5
"""The minimum number of people for a published figure."""
DISTRICTS: Final = (*(f"{number:02}" for number in range(1, 13)), "outside")
SECTORS: Final = ("administration", "business", "science", "civil_society", "residents")
TRAITS: Final = ("other_language", "care", "disability", "offline", "little_money", "young", "old", "none")
AGES: Final = ("0_6", "6_15", "15_18", "18_27", "27_45", "45_55", "55_65", "65_plus")
"""In the order in which they are offered."""

Texts = Mapping[str, str]
Value = str | bool | int | float | list[str] | dict[str, int]


def texts(german: str, english: str, turkish: str, arabic: str) -> dict[str, str]:
    return dict(zip(LANGUAGES, (german, english, turkish, arabic), strict=True))


class Condition(NamedTuple):
    """The condition under which a question is asked."""

    key: str
    is_: str
    """`equal` or `less`."""
    to: Value

    def holds(self, answers: Mapping[str, Value]) -> bool:
        """Whether it does; a question without an answer fulfils nothing."""
        if self.key not in answers:
            return False
        answer = answers[self.key]
        if self.is_ == "less":
            assert isinstance(answer, int)
            assert isinstance(self.to, int)
            return answer < self.to
        return self.to in answer if isinstance(answer, list) else answer == self.to

    def data(self) -> dict[str, Any]:
        name = "than" if self.is_ == "less" else "value"
        return {self.is_: {"question": self.key, name: self.to}}


class Question(NamedTuple):
    """One question as the city means it."""

    key: str
    type: str
    text: Texts
    options: Mapping[str, Texts] = {}
    """Labels defined by the consultation, by code, in the order offered."""
    ask_if: Condition | None = None
    more: Mapping[str, Any] = {}
    """Other fields of the file."""
    codes: tuple[str, ...] = ()
    """The valid answers, if the program defines them."""
    offers_dont_know: bool = True
    may_refuse: bool = False
    costs: Mapping[str, int] = {}
    is_guarded: bool = False
    """Whether it needs a consent."""

    @property
    def is_several(self) -> bool:
        return self.type in {"choices", "sectors", "traits", "rank", "points"}

    @property
    def is_ballot(self) -> bool:
        return self.type in {"rank", "points", "pairwise"}

    @property
    def offered(self) -> tuple[str, ...]:
        return tuple(self.options) or self.codes

    def data(self, *, is_revised: bool) -> dict[str, Any]:
        """As it stands in the file."""
        found: dict[str, Any] = {"key": self.key, "type": self.type, "text": self.text, **self.more}
        options = {**self.options, **(LATER if is_revised and self.key == LATER_AT else {})}
        if options:
            found["options"] = [
                {"value": code, "label": label, **({"cost": self.costs[code]} if self.costs else {})}
                for code, label in options.items()
            ]
        if self.ask_if:
            found["ask_if"] = self.ask_if.data()
        if self.may_refuse:
            found["refuse"] = True
        return found


LATER_AT: Final = "missing"
LATER: Final = {"shade": texts("Schatten", "Shade", "Gölge", "ظل")}
"""An option that the second revision adds."""
SEEDS: Final = (
    texts("Nachts brennt überall Licht", "Lamps burn everywhere at night", "Gece her yerde ışık yansın", "إنارة ليلية"),
    texts("Ein Markt am Samstag", "A market on Saturdays", "Cumartesi pazarı", "سوق يوم السبت"),
    texts("Weniger Parkplätze", "Fewer parking lots", "Daha az otopark", "مواقف أقل"),
    texts("Mehr Bänke an der Straße", "More benches in the street", "Daha çok bank", "مقاعد أكثر"),
)
HINT: Final = texts("Auch nur zum Durchgehen.", "Passing counts.", "Geçmek de sayılır.", "المرور أيضا.")
"""The text that the second revision adds to the first question, by which residents identify the revision."""
_PLACES: Final = {
    "park": texts("Der Park", "The park", "Park", "الحديقة"),
    "school": texts("Die Schule", "The school", "Okul", "المدرسة"),
    "bridge": texts("Die Brücke", "The bridge", "Köprü", "الجسر"),
    "well": texts("Der Brunnen", "The well", "Çeşme", "النافورة"),
}

QUESTIONS: Final = (
    Question(
        "use",
        "choice",
        texts("Wie oft sind Sie im Viertel?", "How often are you here?", "Ne sıklıkla buradasınız?", "كم مرة تأتي؟"),
        {
            "daily": texts("Jeden Tag", "Every day", "Her gün", "كل يوم"),
            "weekly": texts("Jede Woche", "Every week", "Her hafta", "كل أسبوع"),
            "rarely": texts("Selten", "Seldom", "Nadiren", "نادرا"),
            "never": texts("Fast nie", "Hardly ever", "Neredeyse hiç", "تقريبا أبدا"),
        },
        may_refuse=True,
    ),
    Question(
        "why_never",
        "choices",
        texts("Was hält Sie fern?", "What keeps you away?", "Sizi ne uzak tutuyor?", "ما الذي يبعدك؟"),
        {
            "far": texts("Zu weit weg", "Too far", "Çok uzak", "بعيد جدا"),
            "dull": texts("Nichts los", "Nothing to do", "Sıkıcı", "ممل"),
            "unsafe": texts("Zu gefährlich", "Not safe", "Güvensiz", "غير آمن"),
        },
        Condition("use", "equal", "never"),
    ),
    Question(
        "missing",
        "choices",
        texts("Was fehlt hier?", "What is missing here?", "Burada ne eksik?", "ماذا ينقص هنا؟"),
        {
            "trees": texts("Bäume", "Trees", "Ağaçlar", "أشجار"),
            "shops": texts("Läden", "Shops", "Dükkanlar", "متاجر"),
            "buses": texts("Busse", "Buses", "Otobüsler", "حافلات"),
            "nothing": texts("Nichts davon", "None of these", "Hiçbiri", "لا شيء"),
        },
        more={"max": 3, "exclusive": "nothing"},
    ),
    Question(
        "safety",
        "scale",
        texts(
            "Wie sicher ist es abends?", "How safe are evenings?", "Akşamlar ne kadar güvenli?", "ما مدى الأمان مساء؟"
        ),
        more={
            "min_label": texts("gar nicht", "not at all", "hiç", "أبدا"),
            "max_label": texts("sehr", "very", "çok", "جدا"),
        },
        codes=("1", "2", "3", "4", "5"),
    ),
    Question(
        "lamps",
        "choice",
        texts("Würde mehr Licht helfen?", "Would more light help?", "Daha çok ışık işe yarar mı?", "هل تفيد الإنارة؟"),
        {
            "much": texts("Sehr", "A lot", "Çok", "كثيرا"),
            "little": texts("Kaum", "Little", "Az", "قليلا"),
        },
        Condition("safety", "less", 3),
    ),
    Question(
        "distance",
        "number",
        texts("Wie weit ist es zum Park?", "How far is the park?", "Park ne kadar uzakta?", "كم تبعد الحديقة؟"),
        more={"min": 0, "max": 20, "decimals": 1, "unit": texts("km", "km", "km", "كم")},
    ),
    Question("first", "rank", texts("Was zuerst?", "What first?", "Önce ne?", "ما أولا؟"), _PLACES, more={"min": 1}),
    Question(
        "fund",
        "points",
        texts("Wer bekommt Punkte?", "Who gets points?", "Kim puan alır?", "من يحصل على نقاط؟"),
        _PLACES,
        more={"budget": 10},
    ),
    Question(
        "buy",
        "points",
        texts("Was soll gekauft werden?", "What should be bought?", "Ne alınsın?", "ماذا نشتري؟"),
        {
            "lights": texts("Lampen", "Lamps", "Lambalar", "مصابيح"),
            "seats": texts("Sitze", "Seats", "Koltuklar", "مقاعد جديدة"),
            "fountain": texts("Springbrunnen", "Fountain", "Fıskiye", "نافورة مياه"),
        },
        more={"budget": 30_000, "unit": texts("Euro", "euros", "avro", "يورو")},
        costs={"lights": 12_000, "seats": 8_000, "fountain": 15_000},
    ),
    Question(
        "rather",
        "pairwise",
        texts("Was ist wichtiger?", "What matters more?", "Hangisi daha önemli?", "ما الأهم؟"),
        _PLACES,
        more={"min": 2, "max": 3},
        offers_dont_know=False,
    ),
    Question(
        "district",
        "district",
        texts(
            "In welchem Bezirk wohnen Sie?", "Which district is yours?", "Hangi ilçede oturuyorsunuz?", "في أي حي تسكن؟"
        ),
        more={"outside": True},
        codes=DISTRICTS,
    ),
    Question(
        "idea",
        "proposal",
        texts("Was schlagen Sie vor?", "What do you propose?", "Ne önerirsiniz?", "ماذا تقترح؟"),
        more={"similar": False, "district_from": "district"},
    ),
    Question(
        "weigh",
        "statements",
        texts("Und die Ideen der anderen?", "And others' ideas?", "Başkalarının fikirleri?", "وأفكار الآخرين؟"),
        more={"block": 3, "seeds": list(SEEDS)},
        offers_dont_know=False,
    ),
    Question("wish", "text", texts("Was noch?", "What else?", "Başka ne?", "ماذا أيضا؟"), more={"max_length": 300}),
    Question(
        "health_ok",
        "consent",
        texts(
            "Dürfen wir nach Gesundheit fragen?", "May we ask about health?", "Sağlığı sorabilir miyiz?", "عن الصحة؟"
        ),
        codes=("true", "false"),
        offers_dont_know=False,
    ),
    Question(
        "health",
        "choice",
        texts("Brauchen Sie Hilfe beim Gehen?", "Need help walking?", "Yürürken yardım?", "هل تحتاج مساعدة في المشي؟"),
        {
            "help": texts("Hilfe nötig", "Need help", "Yardım gerek", "مساعدة"),
            "none": texts("Keine", "None", "Yok", "لا شيء"),
        },
        Condition("health_ok", "equal", True),
        {"sensitive": True},
        may_refuse=True,
        is_guarded=True,
    ),
    Question(
        "sector_ok",
        "consent",
        texts(
            "Dürfen wir fragen, für wen Sie sprechen?",
            "May we ask whom you speak for?",
            "Kimin adına?",
            "باسم من تتحدث؟",
        ),
        codes=("true", "false"),
        offers_dont_know=False,
    ),
    Question(
        "sector",
        "sectors",
        texts("Wo sehen Sie sich?", "Where do you see yourself?", "Kendinizi nerede görüyorsunuz?", "أين ترى نفسك؟"),
        ask_if=Condition("sector_ok", "equal", True),
        codes=SECTORS,
        offers_dont_know=False,
        may_refuse=True,
        is_guarded=True,
    ),
    Question(
        "traits_ok",
        "consent",
        texts(
            "Dürfen wir nach Hürden fragen?", "May we ask about obstacles?", "Engelleri sorabilir miyiz?", "عن العوائق؟"
        ),
        codes=("true", "false"),
        offers_dont_know=False,
    ),
    Question(
        "traits",
        "traits",
        texts("Was trifft auf Sie zu?", "What is true of you?", "Sizin için hangisi geçerli?", "ما ينطبق عليك؟"),
        ask_if=Condition("traits_ok", "equal", True),
        codes=TRAITS,
        offers_dont_know=False,
        may_refuse=True,
        is_guarded=True,
    ),
    Question(
        "age",
        "age_band",
        texts("Wie alt sind Sie?", "How old are you?", "Kaç yaşındasınız?", "كم عمرك؟"),
        codes=AGES,
        may_refuse=True,
    ),
)
KEYS: Final = tuple(question.key for question in QUESTIONS)
BY_KEY: Final = {question.key: question for question in QUESTIONS}
CONSENTS: Final = frozenset(question.key for question in QUESTIONS if question.type == "consent")
_NOTE: Final = {
    "key": "half",
    "type": "note",
    "text": texts("Danke, die Hälfte ist da.", "Thank you, half is done.", "Teşekkürler, yarısı bitti.", "شكرا"),
}
_SENTENCE: Final = texts("Ein Satz.", "A sentence.", "Bir cümle.", "جملة.")


def definition(*, is_revised: bool = False) -> dict[str, Any]:
    """The consultation file. The revision adds an option and a hint: who has begun stays on the old wording."""
    questions = [question.data(is_revised=is_revised) for question in QUESTIONS]
    if is_revised:
        questions[0]["hint"] = HINT
    return {
        "slug": SLUG,
        "title": texts("Unser Viertel", "Our quarter", "Mahallemiz", "حينا"),
        "languages": {language: {} for language in LANGUAGES},
        "level": "consultation",
        "minutes": 9,
        "results": "live",
        "smallest_cell": LEAST,
        "retention": {"days": 90, "remains": _SENTENCE},
        "contact": {"name": _SENTENCE, "hours": _SENTENCE, "email": "viertel@example.org"},
        **dict.fromkeys(("asks", "why", "readers", "decides", "feedback", "audience"), _SENTENCE),
        "questions": [*questions[:10], _NOTE, *questions[10:]],
    }
