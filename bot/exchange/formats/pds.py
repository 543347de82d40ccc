"""Reads and writes located proposals as GeoJSON (RFC 7946) with the property names of the Participatory Data
Specification (PDS), as used by DIPAS in Hamburg.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bot.exchange import files
from bot.exchange.bundle import Bundle, ImportedStatement, valid_statements
from bot.exchange.content import ExchangeContent
from bot.exchange.file_format import FileFormat
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows
from storage.tables.proposals import StoredProposal

HOME: Final = "https://dipas.org"
_ANEW: Final = "export the contributions again"


def read_pds(path: Path, language: str = "de", aside: RejectedRows = STRICT) -> Bundle:
    """Reads the contributions of a file, also those without a location; sums of votes are ignored."""
    features: dict[int, Mapping[str, Any]] = {}
    found: list[ImportedStatement] = []
    for row, feature in _features(path, aside):
        with aside.row():
            found.append(_statement(path, row, feature, aside))
            features[row] = feature
    statements = valid_statements(path, found, aside)
    if not statements:
        raise aside.nothing_left(path, "it contains no contribution", _ANEW)
    properties = [_mapping(features[it.row].get("properties")) for it in statements]
    home = next((it.link for it in statements if it.link), None) or HOME
    projects = sorted({_words(it.get("belongToProject")) for it in properties} - {""})
    title = projects[0] if len(projects) == 1 else path.stem
    host = urlsplit(home).hostname
    source = "/".join([f"pds:{host}", *projects])
    before = (f"pds:{host}/{title}",) if len(projects) > 1 else ()
    return Bundle(source, title, home, statements, remarks=tuple(_ignored_votes(properties)), before=before)


def _ignored_votes(properties: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    pro, contra = (sum(_number(it.get(name)) for it in properties) for name in ("votingPro", "votingContra"))
    if pro or contra:
        yield f"{pro:,} votes for and {contra:,} against are sums instead of single votes, so they are not imported"


def _features(path: Path, aside: RejectedRows) -> Iterator[tuple[int, Mapping[str, Any]]]:
    found, is_mended = files.read_json(path, aside)
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list):
        raise BadFile(path, None, "this is not a GeoJSON FeatureCollection", _ANEW)
    for row, feature in enumerate(features, 1):
        with aside.row():
            if not isinstance(feature, dict) or feature.get("type") != "Feature":
                raise BadFile(path, row, "this is not a feature", _ANEW)
            if is_mended:
                files.check_mended(path, row, feature)
            yield row, feature


def _statement(path: Path, row: int, feature: Mapping[str, Any], aside: RejectedRows) -> ImportedStatement:
    """Returns one contribution; `row` counts the features from 1."""
    said = _mapping(feature.get("properties"))
    number = _words(said.get("id")) or _words(feature.get("id"))
    if not number:
        raise BadFile(path, row, "id is missing", _ANEW)
    title, text = _words(said.get("title")), _words(said.get("contributionContent"))
    if not title and not text:
        raise BadFile(path, row, "title and contributionContent are missing", _ANEW)
    longitude, latitude = _place(path, row, feature.get("geometry"))
    category = _words(said.get("category"))
    return ImportedStatement(
        files.parse_identifier(path, row, "id", number),
        files.clean_markup(path, row, text or title, aside),
        files.parse_timestamp(path, row, "dateCreated", _words(said.get("dateCreated")) or "1970-01-01"),
        title=files.clean_markup(path, row, title, aside) if title and text else None,
        topic=files.clean_markup(path, row, category, aside) if category else None,
        longitude=longitude,
        latitude=latitude,
        link=files.parse_web_link(_words(said.get("link"))),
        row=row,
    )


def _place(path: Path, row: int, geometry: Any) -> tuple[float | None, float | None]:
    """Returns longitude and latitude of a point; None for lines, areas and features without geometry."""
    if geometry is None or (isinstance(geometry, dict) and geometry.get("type") not in {None, "Point"}):
        return None, None
    at = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(at, list) or len(at) < 2:
        raise BadFile(path, row, "geometry is not a point with coordinates", "it must be [longitude, latitude]")
    return files.parse_degrees(path, row, "longitude", str(at[0]), 180), files.parse_degrees(
        path, row, "latitude", str(at[1]), 90
    )


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _words(cell: Any) -> str:
    return str(cell).strip() if isinstance(cell, str | int) and not isinstance(cell, bool) else ""


def _number(cell: Any) -> int:
    return int(cell) if _words(cell).isdecimal() and len(_words(cell)) < 10 else 0


def left_out(content: ExchangeContent) -> str:
    """Returns a sentence about the content that this format cannot hold; "" if there is none."""
    number = sum(it.longitude is None or it.latitude is None for it in content.shown)
    return f"{number:,} of {len(content.shown):,} proposals have no location and are not in the file." if number else ""


def write_pds(content: ExchangeContent, folder: Path) -> list[str]:
    """Writes the public proposals with a location; returns the name of the file."""
    name = "proposals.geojson"
    located = [it for it in content.shown if it.longitude is not None and it.latitude is not None]
    sums = content.sums
    collection = {"type": "FeatureCollection", "features": [_feature(content, it, sums[it.id]) for it in located]}
    (folder / name).write_text(f"{json.dumps(collection, ensure_ascii=False, indent=2)}\n", encoding="utf-8")
    return [name]


def _feature(content: ExchangeContent, it: StoredProposal, votes: tuple[int, int, int]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": it.code,
        "geometry": {"type": "Point", "coordinates": [it.longitude, it.latitude]},
        "properties": {
            "id": it.code,
            "title": it.title or it.text[:150],
            "contributionContent": it.text,
            "contributionType": "proposal",
            "category": it.topic or "",
            "dateCreated": it.created_at.isoformat(timespec="seconds"),
            "votingPro": votes[0],
            "votingContra": votes[1],
            "belongToProject": content.slug,
            "link": content.link_to(it),
            "dipasLocated": True,
        },
    }


FORMAT: Final = FileFormat(read_pds, write_pds, left_out=left_out)
