"""The residents' side of a chat: sent lines, received messages and chat words."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final, NamedTuple, TypeVar

from flows.messages import MsgOut, QuickReply

T = TypeVar("T")


class Line(NamedTuple):
    """One message of a resident: words, or a tap on a button; `edits` names the earlier message it replaces."""

    text: str = ""
    choice: str = ""
    edits: str = ""


Heard = Sequence[MsgOut]
"""The bot's messages since then; the last one waits for an answer."""
Talk = Generator[Line, Heard, T]
"""A generator that yields lines, receives the replies and returns a result."""

WORDS: Final[dict[str, dict[str, str]]] = {
    "de": {
        "name": "Deutsch", "back": "zurück", "skip": "überspringen", "change": "ändern", "stop": "Stopp",
        "continue": "weiter", "start over": "neu beginnen", "delete": "löschen", "delete all": "alles löschen",
        "submit": "absenden", "done": "fertig", "dont_know": "weiß nicht", "refused": "keine Angabe",
        "gone": "Dieser Vorschlag steht hier nicht mehr zur Bewertung.",
    },
    "en": {
        "name": "English", "back": "back", "skip": "skip", "change": "change", "stop": "stop",
        "continue": "continue", "start over": "start over", "delete": "delete", "delete all": "delete all",
        "submit": "submit", "done": "done", "dont_know": "don't know", "refused": "rather not say",
        "gone": "This proposal can no longer be rated here.",
    },
    "tr": {
        "name": "Türkçe", "back": "geri", "skip": "geç", "change": "değiştir", "stop": "dur",
        "continue": "devam", "start over": "baştan başla", "delete": "sil", "delete all": "hepsini sil",
        "submit": "gönder", "done": "bitti", "dont_know": "bilmiyorum", "refused": "cevap yok",
        "gone": "Bu öneri burada artık değerlendirilemiyor.",
    },
    "ar": {
        "name": "العربية", "back": "رجوع", "skip": "تخطي", "change": "تغيير", "stop": "توقف",
        "continue": "متابعة", "start over": "من جديد", "delete": "حذف", "delete all": "حذف الكل",
        "submit": "إرسال", "done": "تم", "dont_know": "لا أعرف", "refused": "بدون إجابة",
        "gone": "لم يعد من الممكن تقييم هذا الاقتراح هنا",
    },
}  # fmt: skip
"""Chat words from the guide; "gone" is the start of the bot's message that a statement is not rated any more."""


def button(heard: Heard, name: str) -> QuickReply | None:
    """The button of this chat word under the last message."""
    return next((it for it in heard[-1].quick_replies if it.token.endswith(f"..{name}")), None)


def tap(reply: QuickReply) -> Line:
    return Line(choice=reply.token)
