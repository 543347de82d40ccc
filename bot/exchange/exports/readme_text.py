"""LIESMICH.txt: how to read an export, in German and English."""

from __future__ import annotations

from datetime import datetime
from textwrap import fill
from typing import Final

from bot.exchange.exports.ideas import IDEA_FILES
from bot.exchange.exports.metadata import Profile, caveats
from bot.results.counts.answer_dataset import AnswerDataset

_DE: Final = """\
{title}
Export der Befragung „{slug}“, Profil: {profile}

Bitte beachten
{caveats}

Dateien
{files}

Fehlende Antworten
Fünf Kürzel sagen, warum es keine Antwort gibt; codebook.csv erklärt sie:
not_asked, skipped, refused, dont_know, interrupted. Sie sind keine Werte: beim
Rechnen ausschließen.
{more}
Die Auskunft über Zeitpunkt, Sprachen, Fassungen und Anzahlen steht in
metadata.json.
"""
_EN: Final = """\
{title}
Export of the consultation "{slug}", profile: {profile}

Please note
{caveats}

Files
{files}

Missing answers
Five codes say why there is no answer; codebook.csv explains them:
not_asked, skipped, refused, dont_know, interrupted. They are no values: leave
them out of calculations.
{more}
When, which languages, revisions and how many: see metadata.json.
"""
_MORE_DE: Final = """
Lesen
R:       d <- read.csv("answers_wide.csv", colClasses = "character",
         check.names = FALSE, encoding = "UTF-8", na.strings = c("", "not_asked",
         "skipped", "refused", "dont_know", "interrupted"))
         Alles ist Text, damit 01 nicht 1 wird. Zahlen: as.numeric(d$FRAGE)
pandas:  d = pandas.read_csv("answers_wide.csv", dtype=str, keep_default_na=False,
         na_values=["", "not_asked", "skipped", "refused", "dont_know",
         "interrupted"])
         Zahlen: pandas.to_numeric(d["FRAGE"])
Excel:   answers_wide_excel.csv mit Doppelklick öffnen. Nur in dieser Datei steht
         vor manchem Text ein Apostroph, den Excel sonst ausführte oder änderte:
         Formeln (= + - @), führende Nullen (Bezirk '01), lange Zahlen, Texte wie
         ein Datum ('1-2). Ganze Tage (2027-03-31) werden ein Datum, Zahlen haben ein
         Komma. Die anderen CSV-Dateien sind für Programme (Komma, UTF-8 ohne
         Kennung, RFC 4180), Excel zeigt sie in einer Spalte. Eine Arbeitsmappe mit
         allen Tabellen, ohne Apostroph, gibt „export … --format xlsx“.

Mehrfachauswahl: Die Spalte der Frage nennt alle gewählten Kürzel; für jedes
Kürzel gibt es außerdem eine Spalte frage.kuerzel mit 1 (gewählt) oder 0. Leer
ohne fehlendes Kürzel heißt: geantwortet, aber nichts gewählt.
Reihenfolgen: frage.kuerzel nennt den Platz (1 ist der beste), leer ohne Platz.
Punkte: frage.kuerzel nennt die Menge, 0 für nichts; die Spalte der Frage alle
(park=3 trees=2). Vergleiche: "park>trees" (park gewann), "park=trees" (nicht
entschieden), in der langen Datei je eine Zeile.
Freier Text: frage.missing nennt das Kürzel, falls es keinen Text gibt;
frage.withheld ist 1, wenn es einen gibt, der noch nicht freigegeben ist. Beginnt
er mit [voice] oder [picture], kam eine Sprachnachricht oder ein Bild; die Dateien
gibt der Befehl „attachments“ heraus.
"""
_MORE_EN: Final = """
Reading
R:       d <- read.csv("answers_wide.csv", colClasses = "character",
         check.names = FALSE, encoding = "UTF-8", na.strings = c("", "not_asked",
         "skipped", "refused", "dont_know", "interrupted"))
         All is text, so that 01 does not become 1. Numbers: as.numeric(d$QUESTION)
pandas:  d = pandas.read_csv("answers_wide.csv", dtype=str, keep_default_na=False,
         na_values=["", "not_asked", "skipped", "refused", "dont_know",
         "interrupted"])
         Numbers: pandas.to_numeric(d["QUESTION"])
Excel:   open answers_wide_excel.csv by double click (made for German Excel). In
         this file only, texts that Excel would run or change have an apostrophe in
         front: formulas (= + - @), leading zeros (district '01), long numbers, texts
         like a date ('1-2). Whole days (2027-03-31) become dates, and numbers have a
         decimal comma. The other CSV files are for programs (comma, UTF-8 without a
         byte order mark, RFC 4180); Excel shows them in one column. "export …
         --format xlsx" makes a workbook of all tables, without apostrophes.

Several choices: the question's column names all chosen codes; for each code
there is also a column question.code with 1 (chosen) or 0. Empty without a
missing code means: answered, but nothing chosen.
Rankings: question.code has the place (1 is the best), empty where not ranked.
Points: question.code has the amount, 0 for nothing; the question's column all of
them (park=3 trees=2). Comparisons: "park>trees" (the park won), "park=trees"
(could not decide), one row each in the long file.
Free text: question.missing has the code if there is no text; question.withheld
is 1 if there is one that was not released yet. If it begins with [voice] or
[picture], a voice message or a picture was sent; the command "attachments" gives
the files.
"""
_IDEAS_DE: Final = """
Vorschläge und Bewertungen
proposals.csv     eine Zeile je Vorschlag. state: waiting (noch nicht gelesen),
                  released (freigegeben), hidden (ausgeblendet), merged (steht jetzt
                  unter merged_into), split (in mehrere geteilt; die Teile nennen ihn
                  in split_from). withheld = 1: Text nicht freigegeben und darum nicht
                  hier. status: was daraus wurde. agrees, disagrees, passes: wie viele
                  Menschen zustimmen, nicht zustimmen, unentschieden sind, jeder mit
                  der letzten Bewertung; important: für wie viele es wichtig ist.
                  Bei merged leer: gezählt wird dort, wo er jetzt steht.
ratings_long.csv  eine Zeile je Teilnahme und bewertetem Vorschlag: vote ist agree,
                  disagree oder pass. code führt zu proposals.csv, response_id zu
                  answers_wide.csv. Nur, was freigegeben ist.
Die Spalte einer Ideen-Frage sagt proposed, wo es einen Vorschlag gab, und nur im
Profil raw seinen code: Wer ihn kennt, fände sonst alle Antworten der Person. Die
Spalte einer Bewertungs-Frage nennt, wie viele bewertet wurden.
"""
_IDEAS_EN: Final = """
Proposals and ratings
proposals.csv     a row per proposal. state: waiting (not read yet), released, hidden,
                  merged (stands under merged_into now), split (into several; the
                  parts name it in split_from). withheld = 1: the text is not released
                  and therefore not here. status: what became of it. agrees,
                  disagrees, passes: how many people, each by the last rating;
                  important: to how many it is important. Empty of a merged
                  one: it is counted where it stands now.
ratings_long.csv  a row per participation and rated proposal: vote is agree, disagree
                  or pass. code leads to proposals.csv, response_id to
                  answers_wide.csv. Only what is released.
The column of a question for ideas says proposed where there was one, and its code in
the profile raw only: whoever knows it would find all answers of the person. That of
a question for ratings says how many were rated.
"""
_COUNTS_DE: Final = """
Lesen von counts.csv
Jede Zeile ist eine Zahl. participations: Teilnahmen, in denen mindestens eine Frage
beantwortet oder etwas bewertet wurde; nur um sie geht es in allen anderen Zeilen.
begun: begonnen, finished: bis zum Ende gekommen.
Bei einer Frage ergeben die Zeilen option/answered, other
und missing (no_answer: ohne Antwort, not_asked: nicht gefragt) zusammen alle
Teilnahmen; chosen zählt bei Mehrfachauswahl, wie viele von denen, die geantwortet
haben, diese Antwort gewählt haben. answered: wie viele geantwortet haben, darauf
beziehen sich Anteile; asked: wie viele zu der Frage kamen. rounded = 1: auf 5
gerundet, weil die Frage persönlich ist. suppressed = 1: nicht veröffentlicht; reason
sagt, warum: few = weniger Menschen als die Grenze, merged = in der Zeile other
mitgezählt, protected = zum Schutz anderer weggelassen.

Excel: tabellen.xlsx öffnen. Die CSV-Dateien sind für Programme (Komma, UTF-8 ohne
Kennung, RFC 4180); ein Doppelklick in deutschem Excel zeigt sie in einer Spalte.
"""
_COUNTS_EN: Final = """
Reading counts.csv
Each row is a number. participations: those in which at least one question was
answered or something rated; all other rows are about these only. begun: those that
began, finished: those that came to the end.
Of a question, the rows option/answered, other and missing
(no_answer, not_asked) add up to all participations; chosen counts, for several
choices, how many of those who answered chose this. answered: how many answered,
which shares are of; asked: how many came to the question. rounded = 1: to 5, since
the question is personal. suppressed = 1: not published; reason says why: few = fewer
people than the bound, merged = counted in the row other, protected = left out to
protect others.

Excel: open tabellen.xlsx. The CSV files are for programs (comma, UTF-8 without a byte
order mark, RFC 4180); German Excel shows them in one column on a double click.
"""
_FILES: Final = {
    "answers_long.csv": ("eine Zeile je Teilnahme und Frage", "a row per participation and question"),
    "answers_wide.csv": ("eine Zeile je Teilnahme, eine Spalte je Frage", "a row per participation, a column each"),
    "answers_wide_excel.csv": ("dasselbe für Excel", "the same for Excel"),
    "ratings_long.csv": ("eine Zeile je Teilnahme und Bewertung", "a row per participation and rating"),
    "counts.csv": ("Anzahlen je Frage und Antwort", "counts per question and answer"),
    "proposals.csv": ("Vorschläge, eine Zeile je Vorschlag", "proposals, a row each"),
    "ratings.csv": ("Bewertungen je Vorschlag", "ratings per proposal"),
    "agreement.csv": ("Zustimmung je Bereich", "agreement per sector"),
    "groups.csv": ("Zustimmung je Gruppe ähnlicher Meinung", "agreement per group of similar opinion"),
    "statuses.csv": ("was aus Vorschlägen wurde", "what became of proposals"),
    "ballots.csv": ("Reihenfolgen, Vergleiche, Budgets", "orders, comparisons, budgets"),
    "texts.csv": ("freigegebene Antworten auf offene Fragen", "released answers to open questions"),
    "tabellen.xlsx": ("alle Tabellen als Arbeitsmappe, für Excel", "all tables as a workbook, for Excel"),
    "datapackage.json": ("Spalten, für Programme", "columns, for programs"),
    "DATENKARTE.md": ("wie gezählt wurde, Lizenz", "how it was counted, licence"),
    "codebook.csv": ("was Spalten und Kürzel bedeuten", "what columns and codes mean"),
    "metadata.json": ("was, wann, wie viele, Vorbehalte", "what, when, how many, caveats"),
    "LIESMICH.txt": ("diese Datei", "this file"),
}


def readme_text(subject: AnswerDataset, profile: Profile, now: datetime, files: list[str]) -> str:
    """Returns the whole text, German first. It has no time and no count: the same answers give the same file."""
    more = (_COUNTS_DE, _COUNTS_EN) if profile == "public" else (_MORE_DE, _MORE_EN)
    if IDEA_FILES[1] in files:
        more = (more[0] + _IDEAS_DE, more[1] + _IDEAS_EN)
    notes = caveats(subject, profile, now)
    texts = [
        template.format(
            title=_title(subject, language),
            slug=subject.newest.slug,
            profile=profile,
            caveats="\n".join(fill(f"- {note[which]}", 80, subsequent_indent="  ") for note in notes),
            files="\n".join(f"{name:24}{_FILES[name][which]}" for name in files),
            more=more[which],
        )
        for which, (template, language) in enumerate(((_DE, "de"), (_EN, "en")))
    ]
    return f"(English below)\n\n{texts[0]}\n{'-' * 80}\n\n{texts[1]}"


def _title(subject: AnswerDataset, language: str) -> str:
    title = subject.flow.consultation.title.root
    return title[language if language in title else subject.language].plain
