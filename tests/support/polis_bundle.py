"""Reads a Polis bundle, published or exported, so that tests can compare both.

The data is the Austrian climate assembly of 2022 (see tests/support/real_input.py); it is read in place, never copied.
"""

from __future__ import annotations

import csv
import io
import lzma
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bot.results.methods.clusters import adjusted_rand

Row = dict[str, str]


class Tables(NamedTuple):
    """The rows of a bundle; people are numbered by their first votes."""

    comments: dict[str, Row]
    votes: list[tuple[str, str, str, str]]
    """Time, statement, person, vote; in the order of voting."""
    people: dict[str, Row]
    """Person → the row of the table, named by the numbers of `votes`."""


def read(folder: Path) -> Tables:
    """The tables of a bundle, published or exported."""
    votes = [(it["timestamp"], it["comment-id"], it["voter-id"], it["vote"]) for it in rows(folder, "votes.csv")]
    votes.sort(key=lambda it: int(it[0]))
    number: dict[str, str] = {}
    for _, _, person, _ in votes:
        number.setdefault(person, str(len(number)))
    people = rows(folder, "participant-votes.csv", "participants-votes.csv")
    return Tables(
        {it["comment-id"]: it for it in rows(folder, "comments.csv")},
        [(at, statement, number[person], vote) for at, statement, person, vote in votes],
        {number[it["participant"]]: it for it in people},
    )


def rows(folder: Path, *names: str) -> list[Row]:
    """The rows of the first table that is there, packed or not."""
    for name in names:
        if (folder / name).exists():
            content = (folder / name).read_bytes()
        elif (folder / f"{name}.xz").exists():
            content = lzma.decompress((folder / f"{name}.xz").read_bytes())
        else:
            continue
        return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    raise FileNotFoundError(names)


def differences(published: Tables, exported: Tables) -> list[str]:
    """Everything but the membership in groups that is not as published, in words."""
    found = []
    for name in ("timestamp", "agrees", "disagrees", "moderated", "comment-body"):
        theirs, ours = (
            {it: row[name].strip() for it, row in tables.comments.items()} for tables in (published, exported)
        )
        found += [
            f"comments.csv {name} of {it}" for it in theirs.keys() | ours.keys() if theirs.get(it) != ours.get(it)
        ]
    if Counter(published.votes) != Counter(exported.votes):
        found.append("votes.csv")
    columns = ("n-comments", "n-votes", "n-agree", "n-disagree", *published.comments)
    for person in published.people.keys() | exported.people.keys():
        one, other = published.people.get(person), exported.people.get(person)
        if one is None or other is None or any(one[it] != other[it] for it in columns):
            found.append(f"participant-votes.csv of {person}")
        elif (one["group-id"] == "") != (other["group-id"] == ""):
            found.append(f"who is eligible: {person}")
    return found


def likeness(published: Tables, exported: Tables) -> float:
    """The adjusted Rand index of the published and the exported groups, over those who are in one."""
    both = [
        (int(row["group-id"]), int(exported.people[person]["group-id"]))
        for person, row in published.people.items()
        if row["group-id"]
    ]
    theirs, ours = np.array(both).T
    return adjusted_rand(theirs, ours)
