"""Positions people know, and the Bezirk they lie in."""

import math

import pytest

from flows.messages import Location
from flows.questions.berlin_points import district_of

KNOWN = {
    "Brandenburger Tor": (52.5163, 13.3777, "01"),
    "Leopoldplatz": (52.5467, 13.3594, "01"),
    "Kottbusser Tor": (52.4990, 13.4180, "02"),
    "Boxhagener Platz": (52.5110, 13.4597, "02"),
    "Kollwitzplatz": (52.5365, 13.4177, "03"),
    "Schloss Charlottenburg": (52.5209, 13.2957, "04"),
    "Zitadelle Spandau": (52.5413, 13.2126, "05"),
    "Schloßstraße Steglitz": (52.4563, 13.3214, "06"),
    "Rathaus Schöneberg": (52.4846, 13.3440, "07"),
    "Rathaus Neukölln": (52.4814, 13.4351, "08"),
    "Schloss Köpenick": (52.4440, 13.5726, "09"),
    "Helle Mitte": (52.5366, 13.6047, "10"),
    "Tierpark": (52.5030, 13.5290, "11"),
    "Märkisches Viertel": (52.5985, 13.3575, "12"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_places(name):
    latitude, longitude, key = KNOWN[name]
    assert district_of(Location(latitude, longitude)) == key


@pytest.mark.parametrize("place", [(52.40, 13.06), (53.55, 10.0), (0, 0), (-90, 180), (math.nan, 13.4), (math.inf, 0)])
def test_elsewhere_is_nowhere(place):
    assert district_of(Location(*place)) is None
