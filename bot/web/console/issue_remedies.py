"""What the check advises, in German, in the form of `issue_reasons`."""

from __future__ import annotations

from typing import Final

_TABLE: Final = """
add at least one question = Bitte stellen Sie mindestens eine Frage.
write the text; residents need this information = Bitte schreiben Sie den Text, die Menschen brauchen ihn.
write digits = Bitte in Ziffern.
write name@example.org = Bitte so: name@example.org
add closes: year-month-day = Bitte den letzten Tag nennen.
give a phone number, an email address or a web page
  = Bitte Telefon, E-Mail oder eine Seite im Netz nennen.
tell the options apart = Bitte die Antworten unterscheidbar nennen.
shorten it, and explain in the question = Bitte kürzen und in der Frage erklären.
begin with https:// = Bitte mit https:// beginnen.
swap or correct the two dates = Bitte tauschen oder berichtigen.
offer only {}, or add a catalogue = Möglich sind: {0}
name an offered language = Bitte eine angebotene Sprache nennen.
remove the fallback of one of them = Bitte bei einer die Ersatzsprache weglassen.
translate them when you can = Bitte übersetzen, wenn es geht.
translate it, or give “{}” a fallback = Bitte übersetzen, oder „{0}“ eine Ersatzsprache geben.
add it under languages, or correct the tag = Bitte die Sprache hinzufügen oder ihr Kürzel berichtigen.
have a speaker review them, then write review: reviewed = Bitte jemanden prüfen lassen, der die Sprache spricht.
write “Einfache Sprache”, or have all de-simple texts checked
  = Bitte „Einfache Sprache“ schreiben, oder alles prüfen lassen.
retype it, or paste it as plain text = Bitte neu tippen oder als reinen Text einfügen.
write the text in “{}”, or it will never be heard = Bitte den Text auf „{0}“ schreiben, sonst hört niemand die Aufnahme.
choose another key = Bitte einen anderen Namen wählen.
ask a question of type consent before it = Bitte vorher um die Einwilligung bitten.
add web_only: true, unless this is intended = Bitte nur auf der Webseite stellen, wenn das nicht so gewollt ist.
ask for consent everywhere = Bitte überall um die Einwilligung bitten.
ask a consent that is not required before it, and write ask_if: {equal: {question: …, value: true}}
  = Bitte vorher um eine freiwillige Einwilligung bitten und nur bei Ja fragen.
ask a separate consent for each = Bitte für jede eine eigene Einwilligung.
use a word of at least two letters = Bitte ein Wort mit mindestens zwei Buchstaben.
choose a word without another meaning = Bitte ein Wort ohne zweite Bedeutung.
correct the tag = Bitte das Kürzel berichtigen.
choose another word for this answer = Bitte für diese Antwort ein anderes Wort.
choose another word if both may be needed = Bitte ein anderes Wort, falls beides gebraucht wird.
leave out questions without consequences = Bitte Fragen weglassen, aus denen nichts folgt.
ask questions about the person last = Bitte solche Fragen ans Ende.
measure it; {} to {} minutes are usual = Bitte die Zeit messen. Üblich sind {0} bis {1} Minuten.
use at most two = Bitte höchstens zwei.
write {answer:KEY|other words} to name an earlier answer, or {{ and }} for braces
  = Eine frühere Antwort nennt {answer:NAME|andere Worte}; Klammern schreibt man als {{ und }}.
leave out the recording or the reference = Bitte die Aufnahme oder die Antwort weglassen.
leave out the reference = Bitte die Antwort weglassen.
refer to answers in questions, hints, options, notes and thanks only
  = Antworten nennen können nur Fragen, Hinweise, Auswahl, Texte und Dank.
use at most {} = Bitte höchstens {0}.
say what matters for the question in {}, and the rest in the question
  = Bitte in {0} Zeichen sagen, was für die Frage zählt.
{}; choose another key = {0*}. Bitte einen anderen Namen wählen.
give each question its own key = Bitte jeder Frage einen eigenen Namen geben.
use one of: {} = Möglich sind: {0}
write {} = Bitte so: {0}
use {} = Möglich sind: {0}
compare with a date, e.g. 2027-03-31 = Bitte mit einem Tag vergleichen, zum Beispiel 2027-03-31.
compare with a value that it can have = Bitte mit einer möglichen Antwort vergleichen.
check ask_if here and the exits before it = Bitte die Bedingung hier und die Abzweige davor prüfen.
check its condition and the exits above it = Bitte die Bedingung und die Abzweige darüber prüfen.
let at least one path reach the end = Bitte mindestens einen Weg zum Ende führen.
split it with a hyphen, or use another word = Bitte mit Bindestrich trennen oder ein anderes Wort nehmen.
split it into two sentences = Bitte zwei Sätze daraus machen.
name the actor = Bitte sagen, wer es tut.
use “von” instead = Bitte „von“ nehmen.
write the key of a later question, end or leave = Bitte eine spätere Frage, end oder leave nennen.
go to its first row: {} = Bitte zur ersten Zeile: {0}
go to a later question, end or leave = Bitte zu einer späteren Frage, end oder leave.
ask it before = Bitte vorher fragen.
name an earlier question only = Bitte nur frühere Fragen nennen.
say what stands there then: {answer:{}|other words}, or ask only if it is answered
  = Bitte sagen, was dann dasteht: {answer:{0}|andere Worte}
name a question = Bitte eine Frage nennen.
name another question = Bitte eine andere Frage nennen.
compare with an earlier question only = Bitte nur mit früheren Fragen vergleichen.
compare with a question = Bitte mit einer Frage vergleichen.
use equal or one_of instead of less and greater = Bitte equal oder one_of statt less und greater.
name a question of type district = Bitte die Frage nach dem Bezirk nennen.
name a question of type choice = Bitte eine Frage mit Auswahl nennen.
shorten its texts = Bitte kürzen.
shorten the key or the values = Bitte den Namen oder die Werte kürzen.
split the question = Bitte die Frage teilen.
write it out, or use the type scale or number = Bitte ausschreiben, oder nach einer Zahl oder auf einer Skala fragen.
give each option its own = Bitte jeder Antwort einen eigenen.
choose another value, or leave the option to `dont_know` and `refuse`
  = Bitte einen anderen Wert, oder „weiß nicht“ und „keine Angabe“ einschalten.
add a word = Bitte ein Wort dazu.
name the value of an option = Bitte den Wert einer Antwort nennen.
lower `min` or add options = Bitte weniger verlangen oder mehr anbieten.
swap or correct them = Bitte tauschen oder berichtigen.
leave it out = Bitte weglassen.
use the type choice = Bitte „Eins auswählen“ nehmen.
give each row its own = Bitte jeder Zeile einen eigenen.
shorten it, or the key of the question, to {} together
  = Bitte ihn und den Namen der Frage auf zusammen {0} Zeichen kürzen.
round it, or set `decimals` = Bitte runden oder Nachkommastellen erlauben.
leave this option out, or name its value differently = Bitte diese Antwort weglassen oder anders nennen.
lower it = Bitte verringern.
lower `step` = Bitte den Schritt verringern.
give each a cost, or none = Bitte allen einen Preis geben oder keinem.
raise the budget, or leave the option out = Bitte das Budget erhöhen oder die Antwort weglassen.
lower it, or there is no choice = Bitte verringern, sonst gibt es nichts zu wählen.
lower it or add options = Bitte verringern oder mehr anbieten.
leave the label out, or make the number of steps odd
  = Bitte den Namen der Mitte weglassen oder eine ungerade Zahl von Stufen nehmen.
give each its own words = Bitte jedem eigene Worte geben.
say one thing in at most {} characters = Bitte eine Sache in höchstens {0} Zeichen sagen.
remove one of them = Bitte eine davon löschen.
write count: 20, say, beside take: top = Bitte count: 20 neben take: top schreiben.
take it away, or write take: top = Bitte weglassen, oder take: top schreiben.
name `voice` and `picture` once each = Bitte voice und picture je einmal nennen.
take out one of the two = Bitte eins von beiden weglassen.
say who asks = Bitte sagen, wer fragt.
say what it is for, in a sentence or two = Bitte in ein, zwei Sätzen sagen, wofür.
say who will read the answers = Bitte sagen, wer die Antworten liest.
write information, consultation, cooperation or decision = Bitte information, consultation, cooperation oder decision.
say who decides, and about what = Bitte sagen, wer worüber entscheidet.
say when and where people hear what came of it = Bitte sagen, wann und wo man erfährt, was daraus wird.
say who is asked = Bitte sagen, wer gefragt ist.
say how many days after closing answers are kept, and what remains
  = Bitte sagen, wie viele Tage nach dem Ende die Antworten bleiben, und was danach.
name a contact person = Bitte eine Ansprechperson nennen.
say how many minutes it takes = Bitte sagen, wie viele Minuten es dauert.
list the languages, the one you wrote in first = Bitte die Sprachen nennen, die eigene zuerst.
give it a short name for links, e.g. mein-kiez = Bitte einen Kurznamen für Links, zum Beispiel mein-kiez.
ask at least one question = Bitte mindestens eine Frage.
list at least two options = Bitte mindestens zwei Antworten.
give it a short name, e.g. lamps = Bitte einen kurzen Namen, zum Beispiel lampen.
name a question type = Bitte die Art der Frage nennen.
write what people read = Bitte schreiben, was die Menschen lesen.
add it = Bitte ergänzen.
correct the first ones, and check again = Bitte die ersten berichtigen und noch einmal prüfen.
write a value the question can have = Bitte eine mögliche Antwort.
fill it in, or remove the line = Bitte ausfüllen oder die Zeile löschen.
compare it with a sample file = Bitte mit einem Beispiel vergleichen.
see docs/reference/file-format.md for valid values = Mögliche Werte stehen in docs/reference/file-format.md.
did you mean “{}”? = Ist „{0}“ gemeint?
remove it, or check its indentation = Bitte löschen oder die Einrückung prüfen.
write names with values below it, one of them {} = Bitte Namen mit Werten darunter schreiben, einer davon {0}.
use small letters a-z, {}, at most {} characters = Bitte Kleinbuchstaben a-z, {0}, höchstens {1} Zeichen.
use small letters a-z, digits and underscores, beginning with a letter, at most 24 characters
  = Bitte Kleinbuchstaben a-z, Ziffern und Unterstriche, vorn ein Buchstabe, höchstens 24 Zeichen.
write a text, in double quotes if it looks like a number
  = Bitte einen Text; sieht er wie eine Zahl aus, in doppelten Anführungszeichen.
write {de: …, en: …} or one language a line below it = Bitte {de: …, en: …} oder darunter eine Zeile je Sprache.
begin each item on its own line with “- ” = Bitte jeden Eintrag in eigener Zeile mit „- “ beginnen.
write digits only, without a unit = Bitte nur Ziffern, ohne Einheit.
write digits, with a point for decimals = Bitte Ziffern, mit Punkt vor den Nachkommastellen.
write true or false = Bitte true oder false.
write year-month-day, e.g. 2027-03-31 = Bitte Jahr-Monat-Tag, zum Beispiel 2027-03-31.
update the program, or write the file as docs/reference/file-format.md says
  = Bitte das Programm erneuern, oder die Datei schreiben wie in docs/reference/file-format.md.
write the text, or remove the line = Bitte den Text schreiben oder die Zeile löschen.
use at most {} characters = Bitte höchstens {0} Zeichen.
use at least {} = Bitte mindestens {0}.
use more than {} = Bitte mehr als {0}.
use less than {} = Bitte weniger als {0}.
give at least {} = Bitte mindestens {0}.
give at most {} = Bitte höchstens {0}.
see docs/reference/file-format.md for “{}” = „{0}“ steht in docs/reference/file-format.md.
put the text in double quotes if it is meant as text = Ist es ein Text, bitte in doppelte Anführungszeichen setzen.
put the text in double quotes: de: “…” needs "…" = Bitte den Text in doppelte Anführungszeichen setzen: de: "…"
put the text in double quotes: {de: "Warum: …"} = Bitte den Text in doppelte Anführungszeichen setzen: {de: "Warum: …"}
indent with spaces, never with tabs, and put such a text in double quotes
  = Bitte mit Leerzeichen einrücken, nie mit Tabulator, und solchen Text in doppelte Anführungszeichen setzen.
align it with the lines around it, using spaces = Bitte mit Leerzeichen einrücken wie die Zeilen darum.
write “name: value”, with a space after the colon = Bitte „Name: Wert“, mit Leerzeichen nach dem Doppelpunkt.
close it, or write \\" inside the text = Bitte schließen; im Text schreibt man \\".
shorten it = Bitte kürzen.
name the files in it = Bitte die Dateien darin nennen.
check the name = Bitte den Namen prüfen.
check its name and permissions = Bitte Namen und Rechte prüfen.
shorten it to a few pages of text = Bitte auf wenige Seiten Text kürzen.
save it as plain text, encoding UTF-8 = Bitte als reinen Text in UTF-8 speichern.
remove the line %YAML = Bitte die Zeile %YAML löschen.
start from a sample: flows/consultations/mein-kiez.yaml = Bitte mit einem Beispiel beginnen.
write one consultation per file = Bitte eine Befragung je Datei.
divide the consultation = Bitte die Befragung teilen.
retype the line = Bitte die Zeile neu tippen.
use fewer levels = Bitte weniger Ebenen.
repeat the value, or {} = Bitte den Wert wiederholen. {0*}
remove it, or {} = Bitte löschen. {0*}
write “name: value” = Bitte „Name: Wert“.
keep one of them = Bitte eins davon behalten.
put the text that contains it in double quotes = Bitte den Text mit dem Komma in doppelte Anführungszeichen setzen.
shorten it, or divide it into lines = Bitte kürzen oder auf Zeilen verteilen.
put the whole text in double quotes = Bitte den ganzen Text in doppelte Anführungszeichen setzen.
write the character itself = Bitte das Zeichen selbst schreiben.
check indentation, colons and quotation marks = Bitte Einrückung, Doppelpunkte und Anführungszeichen prüfen.
convert it to {} = Bitte umwandeln in {0}.
copy its lines from `show` = Bitte die Zeilen aus der heruntergeladenen Datei übernehmen.
publish a file in the same folder as the {} = Mit Dateien daneben veröffentlicht man auf dem Server.
check its rights and its name = Bitte Rechte und Namen prüfen.
save it in a smaller size = Bitte kleiner speichern.
shorten it, or save it in a smaller size = Bitte kürzen oder kleiner speichern.
put it into the folder of this file, or below it = Bitte in den Ordner dieser Datei legen oder darunter.
put it beside this file, or correct the path = Bitte neben diese Datei legen oder den Pfad berichtigen.
name {} = Bitte {0} nennen.
publish its file again = Bitte die Datei noch einmal veröffentlichen.
put them back = Bitte zurücklegen.
choose another word = Bitte ein anderes Wort wählen.
`{} reopen {} --until DATE` lets it accept answers again = Bitte erst wieder öffnen.
{}; then publish = {0*} Danach veröffentlichen.
`{} unarchive {}` restores it = Bitte erst zurückholen.
run `doctor` = Bitte auf dem Server doctor starten.
check --data, its rights and the free space = Bitte auf dem Server Rechte und freien Platz prüfen.
publish again = Bitte noch einmal veröffentlichen.
correct closes unless this is intended = Bitte berichtigen, wenn das nicht so gewollt ist.
write revision: {} before you change it again = Vor der nächsten Änderung bitte revision: {0} schreiben.
correct the questions, or accept the new way in the console, under “Try it out”
  = Bitte die Fragen berichtigen, oder den neuen Weg unter „Ausprobieren“ annehmen.
save it again with an image program = Bitte mit einem Bildprogramm neu speichern.
save it with {} to {} pixels on each side = Bitte mit {0} bis {1} Punkten je Seite speichern.
save one picture of it; moving images distract readers = Bitte ein einzelnes Bild speichern; Bewegung lenkt ab.
save it as PNG, JPEG or WebP = Bitte als PNG, JPEG oder WebP speichern.
turn it in an image program and save it; then it is upright without metadata
  = Bitte in einem Bildprogramm drehen und speichern.
begin with “slug: …” = Bitte mit „slug: …“ beginnen.
publish {} first, or correct the name below `from` = Bitte erst {0} veröffentlichen, oder den Namen berichtigen.
take them from a real consultation, or mark this one as a sample too
  = Bitte aus einer echten Befragung nehmen, oder auch diese als Beispiel kennzeichnen.
let only the later wave take from the earlier one = Bitte nur die spätere aus der früheren nehmen lassen.
publish this file again when it is closed = Bitte die Datei noch einmal veröffentlichen, wenn sie beendet ist.
release proposals, then publish this file again = Bitte Vorschläge freigeben und die Datei noch einmal veröffentlichen.
"""
REMEDIES: Final = dict(line.split(" = ", 1) for line in _TABLE.strip().replace("\n  = ", " = ").splitlines())
"""Each advice of the check with its German one."""
