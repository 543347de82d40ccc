"""Located proposals as GeoJSON (RFC 7946) with the names of the Participatory Data Specification (PDS), as Hamburg's
DIPAS gives them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.exchange.content import Content
from storage.proposals import StoredProposal


def write(content: Content, folder: Path) -> list[str]:
    """Writes the released proposals that have a place; gives the name of the file."""
    name = "proposals.geojson"
    located = [it for it in content.shown if it.longitude is not None and it.latitude is not None]
    sums = content.sums
    collection = {"type": "FeatureCollection", "features": [_feature(content, it, sums[it.id]) for it in located]}
    (folder / name).write_text(f"{json.dumps(collection, ensure_ascii=False, indent=2)}\n", encoding="utf-8")
    return [name]


def _feature(content: Content, it: StoredProposal, votes: tuple[int, int, int]) -> dict[str, Any]:
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
