"""Prints short messages to the user at the terminal, in German and English. Standard library only.

Used before any package is installed; texts for residents are in catalogues.
"""

import os
import re
import sys

# Output of a failing set-up, and the message shown instead; the first match is used.
TROUBLES = (
    (
        r"No space left|Errno 28|Disk quota",
        "Der Datenträger ist voll: bitte Platz schaffen (etwa 250 MB) und noch einmal starten.",
        "The disk is full: make room (about 250 MB) and start again.",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "Ein Paket ist nicht das erwartete (falsche Prüfsumme) und wurde nicht installiert: "
        "bitte den Paketspiegel (PIP_INDEX_URL) prüfen.",
        "A package is not the expected one (wrong checksum) and was not installed: check the mirror (PIP_INDEX_URL).",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|certificate verify|TLS CA certificate",
        "Dem Zertifikat der Paketquelle wird nicht vertraut: bitte die Zertifikate des Systems installieren "
        "(apt install ca-certificates) oder PIP_CERT auf die Zertifikatsdatei Ihres Netzes setzen.",
        "The certificate of the package source is not trusted: install the system's certificates "
        "(apt install ca-certificates) or set PIP_CERT to the certificate file of your network.",
    ),
    (
        r"Read-only file system|Permission denied|Errno 13|Errno 30",
        "Der Ordner des Projekts ist nicht beschreibbar: bitte das Projekt in einen eigenen Ordner legen "
        "und dort starten.",
        "The folder of the project cannot be written to: put it into a folder of your own and start it there.",
    ),
    (
        r"(?s)^(?!.*(?:Connection|NameResolution|timed out|Timeout|Max retries)).*No matching distribution",
        "Ein Paket gibt es für diesen Rechner oder dieses Python nicht fertig gebaut: bitte Python 3.11 bis 3.14 "
        "auf Linux oder macOS (64 Bit) verwenden.",
        "A package is not available ready-built for this machine or Python: use Python 3.11 to 3.14 on 64-bit Linux "
        "or macOS.",
    ),
    (
        r"",
        "Die Pakete konnten nicht geladen werden: bitte die Internetverbindung prüfen "
        "(hinter einem Proxy HTTPS_PROXY, mit eigenem Spiegel PIP_INDEX_URL setzen) und noch einmal starten.",
        "The packages could not be loaded: check the internet connection "
        "(behind a proxy set HTTPS_PROXY, with a mirror of your own PIP_INDEX_URL) and start again.",
    ),
)


def explain(what: str) -> str:
    """Return one sentence with the remedy for a program's output, and its last line for support."""
    german, english = next((de, en) for pattern, de, en in TROUBLES if re.search(pattern, what))
    last = next((line.strip() for line in reversed(what.splitlines()) if line.strip()), "")
    return f"{both(german, english)}\n({last})"


def both(german: str, english: str) -> str:
    """Return the text in the language of the terminal; in both if that is unknown."""
    language = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return {"de": german, "en": english}.get(language[:2], f"{german}\n{english}")


def print_line(german: str, english: str) -> None:
    """Print the progress for the user, apart from the program's own output."""
    print(both(german, english), file=sys.stderr, flush=True)


def count(done: int, total: int) -> None:
    """Show a growing number if the output is a terminal."""
    if sys.stderr.isatty():
        print(f"\r  {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
