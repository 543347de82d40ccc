"""What the check finds, in German. `{}` stands for the values; in the German sentence `{0}` is the first of them."""

from __future__ import annotations

from typing import Final

_TABLE: Final = """
nothing is asked = Es fehlt noch jede Frage.
“{}” is a placeholder = „{0}“ ist nur ein Platzhalter.
“{}” is not a phone number = „{0}“ ist keine Telefonnummer.
“{}” is not an email address = „{0}“ ist keine E-Mail-Adresse.
“{}” is not a web address = „{0}“ ist keine Seite im Netz.
it closes ({}) before it opens ({}) = Der letzte Tag ({0}) liegt vor dem ersten ({1}).
the language “{}” is not known = Die Sprache „{0}“ gibt es hier nicht.
the bot has no phrases in “{}” = Der Bot spricht „{0}“ nicht.
the fallback “{}” is not an offered language = Die Ersatzsprache „{0}“ wird nicht angeboten.
the fallbacks form a circle = Die Ersatzsprachen verweisen im Kreis aufeinander.
texts missing and shown in “{}” instead: {} = Fehlende Texte, die stattdessen auf „{0}“ erscheinen: {1}
there are texts in “{}”, but the language is not offered
  = Es gibt Texte auf „{0}“, die Sprache wird aber nicht angeboten.
only texts checked by target readers may be called “Leichte Sprache”
  = „Leichte Sprache“ dürfen nur Texte heißen, die Menschen der Zielgruppe geprüft haben.
the text contains invisible or uncommon characters = Im Text stehen unsichtbare oder ungewöhnliche Zeichen.
there is a recording in “{}”, but the language is not offered
  = Es gibt eine Aufnahme auf „{0}“, die Sprache wird aber nicht angeboten.
there is a recording in “{}”, but no text = Es gibt eine Aufnahme auf „{0}“, aber keinen Text.
“{}” is also the key of a part of “{}” = „{0}“ heißt auch ein Teil von „{1}“.
a sensitive question is asked without consent = Eine heikle Frage steht ohne Einwilligung da.
a sensitive question is also asked on channels where third parties can read the answers
  = Eine heikle Frage wird auch dort gestellt, wo Dritte die Antworten lesen können.
consent asked on the web only cannot cover the other channels
  = Die Einwilligung wird nur auf der Webseite erfragt und gilt für die anderen Kanäle nicht.
“{}” is asked without a consent of its own = „{0}“ steht ohne eigene Einwilligung da.
“{}” and “{}” share one consent = „{0}“ und „{1}“ haben dieselbe Einwilligung.
“{}” is too short for a keyword = „{0}“ ist zu kurz für ein Startwort.
“{}” is the word of a command = „{0}“ ist schon ein Befehl.
“{}” is also the word that stops the chat = „{0}“ beendet auch das Gespräch.
“{}” is also the word of the command {}; here it counts as the answer
  = „{0}“ ist auch das Wort für {1}; hier gilt es als Antwort.
the first question is about the person = Die erste Frage fragt nach der Person.
{} minutes for {} questions is implausible = {0} Minuten für {1} Fragen passen nicht zusammen.
{} sentences in one message are hard to follow = {0} Sätze in einer Nachricht sind schwer zu lesen.
“{}” has no meaning here = „{0}“ hat hier keine Bedeutung.
a recording cannot name the answer that the text names
  = Eine Aufnahme kann die Antwort nicht nennen, die der Text nennt.
a consent reads the same for everybody = Eine Einwilligung lautet für alle gleich.
no answer is known where this text is shown = Wo dieser Text steht, ist noch keine Antwort bekannt.
there are {} images in one question; channels that send them one by one take long
  = Eine Frage hat {0} Bilder. Manche Kanäle schicken sie einzeln, das dauert.
the alternative text has {} characters = Die Bildbeschreibung hat {0} Zeichen.
the key of a question cannot be “{}” = Eine Frage darf in den Tabellen nicht „{0}“ heißen.
the key “{}” is used twice = Zwei Fragen heißen in den Tabellen „{0}“.
“{}” can never have the value “{}” = „{0}“ kann nie die Antwort „{1}“ haben.
“{}” is compared with “{}”, whose answer is {} = „{0}“ wird mit „{1}“ verglichen; dort ist die Antwort {2}.
“{}” has a date as its answer = Die Antwort auf „{0}“ ist ein Tag.
“{}” has no date as its answer = Die Antwort auf „{0}“ ist kein Tag.
no path leads to this {} = Kein Weg führt hierher ({0}).
no path takes this exit = Kein Weg nimmt diesen Abzweig.
no path leads to the end, so the answers cannot be submitted = Kein Weg führt zum Ende. Niemand könnte abschicken.
the word “{}” has more than {} letters = Das Wort „{0}“ hat mehr als {1} Buchstaben.
a sentence has {} words, more than {} = Ein Satz hat {0} Wörter, mehr als {1}.
this looks like the passive: “{}” = Das klingt nach Passiv: „{0}“
this looks like a genitive: “{}” = Das klingt nach Genitiv: „{0}“
there is no question “{}” to go to = Die Frage „{0}“, zu der es gehen soll, gibt es nicht.
“{}” is an earlier question, so the path would form a circle = „{0}“ steht weiter vorn, der Weg liefe im Kreis.
there is no question “{}” = Die Frage „{0}“ gibt es nicht.
“{}” is not answered yet at this point = „{0}“ ist hier noch nicht beantwortet.
the answer to “{}” may be missing here = Die Antwort auf „{0}“ kann hier fehlen.
“{}” is a note, which has no answer = „{0}“ ist nur ein Text und hat keine Antwort.
the answer to “{}” is sensitive, so it is not shown elsewhere
  = Die Antwort auf „{0}“ ist heikel und steht nirgends sonst.
“{}” is not answered by a number = „{0}“ wird nicht mit einer Zahl beantwortet.
the answer to “{}” has no words of its own that a text could name
  = Die Antwort auf „{0}“ hat keine Worte, die ein Text nennen könnte.
“{}” does not ask for the district = „{0}“ fragt nicht nach dem Bezirk.
“{}” does not offer topics to choose from = „{0}“ bietet keine Themen an.
in “{}” this message has {} characters; the limit of a channel is {}
  = Auf „{0}“ hat die Nachricht {1} Zeichen; ein Kanal nimmt höchstens {2}.
key and value together are longer than {} bytes
  = Der Name in den Tabellen ist zusammen mit dem Wert zu lang (mehr als {0} Zeichen).
more than {} answers are offered = Es stehen mehr als {0} Antworten zur Auswahl.
the name {} is also the number of another option = {0} ist auch die Nummer einer anderen Antwort.
texts without a review: {} = Texte, die noch niemand geprüft hat: {0}
the name {} stands twice = Der Name {0} steht zweimal da.
the value {} stands twice = Der Wert {0} steht zweimal da.
{} is how a missing answer is recorded = {0} heißt in den Tabellen: Antwort fehlt.
the label has no word that could be typed = Der Name hat kein Wort, das man tippen könnte.
there is no option {} = Die Antwort {0} gibt es nicht.
{} are required, but {} offered = {0} sind verlangt, aber nur {1} stehen zur Auswahl.
`max` {} is below `min` {} = Das Höchste ({0}) ist kleiner als das Mindeste ({1}).
`max` {} is more than the {} offered = Höchstens {0} sind mehr, als zur Auswahl stehen ({1}).
only one may be chosen = Nur eine Antwort ist möglich.
`max` {} is not after `min` {} = Der letzte Tag ({0}) liegt nicht nach dem ersten ({1}).
`max` {} is not above `min` {} = Das Höchste ({0}) ist nicht größer als das Mindeste ({1}).
`max_length` {} is below `min_length` {} = Höchstens {0} Zeichen sind weniger als mindestens {1}.
the key of this row, “{}”, has {} characters = Der Name dieser Zeile in den Tabellen, „{0}“, hat {1} Zeichen.
{} cannot be reached by whole numbers = {0} ist mit ganzen Zahlen nicht zu erreichen.
{} is the value of the option that `other: true` adds = {0} ist der Wert, den „Anderes“ schon hat.
`min` {} is more than the {} pairs there are = Mindestens {0} sind mehr, als es Paare gibt ({1}).
a step of {} is more than the budget of {} = Ein Schritt von {0} ist mehr als das ganze Budget von {1}.
some options have a cost and some have none = Manche haben einen Preis und manche nicht.
it costs {}, more than the budget of {} = Das kostet {0}, mehr als das Budget von {1}.
the budget is enough for everything = Das Budget reicht für alles.
`{}` {} is more than the {} offered = {1} sind mehr, als zur Auswahl stehen ({2}).
a scale from {} to {} has no middle = Eine Skala von {0} bis {1} hat keine Mitte.
{} stands at two places = {0} steht an zwei Stellen.
the statement has {} characters, too many to weigh in a chat
  = Die Aussage hat {0} Zeichen. Das ist zu viel für einen Chat.
the statement stands twice = Die Aussage steht zweimal da.
how many are taken is missing = Es fehlt, wie viele übernommen werden.
all that is released is taken, so `count` means nothing
  = Alles Freigegebene wird übernommen, die Anzahl bedeutet nichts.
`media` names something twice = Bei den Anhängen steht etwas zweimal.
nothing can be sent on the web page, where alone this is asked
  = Diese Frage steht nur auf der Webseite, dort kann niemand etwas anhängen.
there are {} more errors = Es gibt {0} weitere Fehler.
“{}” must be one word or number = „{0}“ muss ein Wort oder eine Zahl sein.
“{}” is empty = „{0}“ ist leer.
this entry has the wrong structure = Dieser Eintrag ist falsch aufgebaut.
“{}” has an invalid value = Der Wert von „{0}“ ist hier nicht möglich.
“{}” is not a known name here = „{0}“ ist hier kein bekannter Name.
there is no {} “{}” = Das gibt es nicht ({0}): „{1}“
the {} is missing = Es fehlt: {0}
“{}” cannot be {} = „{0}“ kann nicht {1} sein.
“{}” must be a text = „{0}“ muss ein Text sein.
“{}” must have a text for each language = „{0}“ braucht einen Text je Sprache.
“{}” must be a list = „{0}“ muss eine Liste sein.
“{}” must be true or false = „{0}“ muss true oder false sein.
“{}” must be a date = „{0}“ muss ein Tag sein.
the file has format {}, and this program reads format {} = Die Datei hat Format {0}, dieses Programm liest Format {1}.
“{}” is too long = „{0}“ ist zu lang.
this line contains a second colon = In dieser Zeile steht ein zweiter Doppelpunkt.
this line begins with a character that has a special meaning in YAML
  = Diese Zeile beginnt mit einem Zeichen, das hier eine besondere Bedeutung hat.
the indentation differs from the lines above = Die Zeile ist anders eingerückt als die darüber.
a colon is missing after the name = Nach dem Namen fehlt der Doppelpunkt.
the closing quotation mark is missing = Das schließende Anführungszeichen fehlt.
the file has more than {} lines = Die Datei hat mehr als {0} Zeilen.
this line has a text of more than {} characters = In dieser Zeile steht ein Text von mehr als {0} Zeichen.
this text has more than {} characters = Dieser Text hat mehr als {0} Zeichen.
“{}” has no text: in braces a comma ends a text
  = „{0}“ hat keinen Text: In geschweiften Klammern beendet ein Komma den Text.
“{}” must have entries of its own = „{0}“ braucht eigene Einträge.
this is a folder = Das ist ein Ordner.
there is no such file = Diese Datei gibt es nicht.
the file cannot be opened: {} = Die Datei lässt sich nicht öffnen: {0}
the file is larger than 1 MB = Die Datei ist größer als 1 MB.
this is not a text file in UTF-8 = Das ist keine Textdatei in UTF-8.
only YAML 1.2 is supported = Nur YAML 1.2 geht hier.
the file is empty = Die Datei ist leer.
a second document begins here = Hier beginnt ein zweites Dokument.
the file has more than {} names and values = Die Datei hat mehr als {0} Namen und Werte.
this line contains a control character = In dieser Zeile steht ein Steuerzeichen.
the file is neither YAML nor JSON = Die Datei ist weder YAML noch JSON.
this is nested too deeply = Das ist zu tief verschachtelt.
references (*name) are not supported = Verweise (*name) gehen hier nicht.
type names (!name) are not supported = Typnamen (!name) gehen hier nicht.
a name is expected before the colon = Vor dem Doppelpunkt fehlt ein Name.
“{}” is defined twice; first in line {} = „{0}“ steht zweimal da, zuerst in Zeile {1}.
the text after # is a comment = Was nach # steht, ist ein Kommentar.
this line contains an incomplete character (\\ud…) = In dieser Zeile steht ein unvollständiges Zeichen (\\ud…).
this line cannot be read ({}) = Diese Zeile ist nicht zu lesen ({0}).
“{}” is not a file of the type {} = „{0}“ ist keine Datei der Art {1}.
the recording “{}” does not match its suffix = Die Aufnahme „{0}“ passt nicht zu ihrer Endung.
width or height of a published image is missing = Bei einem veröffentlichten Bild fehlt Breite oder Höhe.
the image “{}” {} = Das Bild „{0}“: {1*}
the {} “{}” cannot be read from here = Die Datei ({0}) „{1}“ ist von hier nicht zu lesen.
the {} “{}” cannot be read ({}) = Die Datei ({0}) „{1}“ ist nicht zu lesen ({2}).
the {} “{}” is larger than {} MB = Die Datei ({0}) „{1}“ ist größer als {2} MB.
the {} “{}” is in another folder = Die Datei ({0}) „{1}“ liegt in einem anderen Ordner.
“{}” is not a file = „{0}“ ist keine Datei.
this program cannot read it = Dieses Programm kann die Fassung nicht lesen.
recordings or images are not in the media folder: {} = Aufnahmen oder Bilder fehlen auf dem Server: {0}
keywords: “{}” already starts {} = Das Startwort „{0}“ gehört schon zu {1}.
{} is {}, so participation would not be possible after publishing
  = {0} ist {1}. Nach dem Veröffentlichen könnte niemand mitmachen.
the samples could not be stored ({}) = Die Beispiele ließen sich nicht speichern ({0}).
recordings or images cannot be stored in {} ({}) = Aufnahmen oder Bilder lassen sich nicht in {0} speichern ({1}).
“{}” changed while it was read = „{0}“ änderte sich beim Lesen.
it closed on {}, so participation is not possible = Der letzte Tag war {0}. Niemand kann mitmachen.
the file states that it was made from revision {} = In der Datei steht, dass sie aus Fassung {0} entstand.
the recorded run “{}” differs after message {}: {} was expected
  = Die Probe „{0}“ verläuft nach Nachricht {1} anders: erwartet war {2}.
{}, {} is asked = {0*} Es kommt {1}.
has {} × {} pixels = es hat {0} × {1} Punkte
is stored sideways, and only its metadata says so = es liegt quer, und nur seine Zusatzdaten sagen das
this is not a consultation = Das ist keine Befragung.
it takes proposals of “{}”, but no consultation of this name is published
  = Vorschläge sollen von „{0}“ kommen, aber eine Befragung dieses Namens ist nicht veröffentlicht.
it takes proposals of “{}”, which is a sample: those are invented
  = Vorschläge sollen von „{0}“ kommen. Das ist ein Beispiel, sie sind erfunden.
“{}” itself takes proposals of “{}”, so both would form a circle
  = „{0}“ übernimmt selbst Vorschläge von „{1}“, das liefe im Kreis.
“{}” is still open, so {} = „{0}“ läuft noch: {1}.
“{}” has no released proposals yet = „{0}“ hat noch keine freigegebenen Vorschläge.
a date has the form year-month-day, e.g. 2027-03-31 = Ein Tag steht als Jahr-Monat-Tag da, zum Beispiel 2027-03-31.
less and greater compare with a number, or with a day, e.g. 2027-03-31
  = Kleiner und größer vergleichen mit einer Zahl oder einem Tag, zum Beispiel 2027-03-31.
there is no district {}; there is {} = Den Bezirk {0} gibt es nicht. Es gibt: {1}
there is no district {} = Den Bezirk {0} gibt es nicht.
each language needs its tag, e.g. de = Jede Sprache braucht ihr Kürzel, zum Beispiel de.
the language {} is listed twice = Die Sprache {0} steht zweimal da.
there is no language {} = Die Sprache {0} gibt es nicht.
a text is missing in the main language = In der ersten Sprache fehlt ein Text.
"""
REASONS: Final = dict(line.split(" = ", 1) for line in _TABLE.strip().replace("\n  = ", " = ").splitlines())
"""Each sentence of the check with its German one."""
VALUES: Final = {
    "image": "Bild",
    "recording": "Aufnahme",
    "is not a PNG, JPEG or WebP image": "es ist kein Bild in PNG, JPEG oder WebP",
    "is damaged": "es ist beschädigt",
    "moves": "es bewegt sich",
    "is an SVG drawing, which can contain programs": "es ist eine SVG-Zeichnung, die Programme enthalten kann",
    "an image": "ein Bild",
    "a recording": "eine Aufnahme",
    "question type": "Art der Frage",
    "condition": "Bedingung",
    "question": "Frage",
    "option": "Antwort",
    "closed": "beendet",
    "archived": "abgelegt",
    "a whole number": "eine ganze Zahl",
    "a number": "eine Zahl",
    "true or false": "ja oder nein",
    "a text": "ein Text",
    "a date": "ein Tag",
    "something else": "etwas anderes",
    "the name is invalid": "der Name ist ungültig",
    "the proposals with most agreement are not known yet": (
        "die Vorschläge mit der meisten Zustimmung stehen noch nicht fest"
    ),
    "proposals released there later are not included": "was dort später freigegeben wird, ist nicht dabei",
    "that is a place to go to": "So heißt schon ein Ziel",
    "old buttons with this name start a consultation": "Alte Knöpfe dieses Namens starten eine Befragung",
    "digits and hyphens, at least one letter and no hyphen in front": "Ziffern und Bindestriche",
}
"""Words that stand within sentences."""
