"""Maps a location to a Bezirk by the nearest centre of an Ortsteil: an estimate that the contact must see.

The centres are rounded to about 500 m and come from general knowledge, not from a survey. Near a border the nearest
centre can be on the other side; locations just outside Berlin are mapped to a Bezirk too.
"""

from __future__ import annotations

from math import cos, hypot, radians
from typing import Final

from flows.messages import Location

FARTHEST_KM: Final = 5.0
"""Largest distance to the nearest centre in Berlin, apart from forests and lakes."""
_KM: Final = 111.2
"""Kilometres in a degree of latitude."""

# LOR key of the Bezirk → latitude and longitude of the centres of its Ortsteile.
# fmt: off
_CENTRES: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "01": ((52.520, 13.404), (52.530, 13.343), (52.519, 13.342), (52.510, 13.357), (52.549, 13.356), (52.551, 13.387)),
    "02": ((52.515, 13.454), (52.497, 13.400), (52.497, 13.430)),
    "03": ((52.539, 13.424), (52.554, 13.463), (52.590, 13.455), (52.572, 13.437), (52.610, 13.480), (52.568, 13.402),
           (52.625, 13.388), (52.636, 13.490), (52.606, 13.430), (52.586, 13.402), (52.599, 13.376), (52.586, 13.363)),
    "04": ((52.516, 13.304), (52.487, 13.320), (52.478, 13.290), (52.483, 13.265), (52.515, 13.274), (52.540, 13.297),
           (52.496, 13.296)),
    "05": ((52.535, 13.201), (52.543, 13.237), (52.540, 13.266), (52.533, 13.141), (52.483, 13.181), (52.454, 13.143),
           (52.558, 13.210), (52.551, 13.164), (52.526, 13.193)),
    "06": ((52.456, 13.332), (52.435, 13.311), (52.434, 13.346), (52.434, 13.259), (52.458, 13.287), (52.434, 13.201),
           (52.420, 13.155)),
    "07": ((52.483, 13.354), (52.472, 13.329), (52.467, 13.386), (52.440, 13.387), (52.416, 13.367), (52.398, 13.407)),
    "08": ((52.478, 13.436), (52.447, 13.435), (52.424, 13.431), (52.417, 13.495), (52.425, 13.466)),
    "09": ((52.490, 13.453), (52.479, 13.478), (52.462, 13.485), (52.447, 13.502), (52.455, 13.515), (52.411, 13.538),
           (52.435, 13.547), (52.394, 13.573), (52.461, 13.522), (52.443, 13.577), (52.450, 13.625), (52.439, 13.690),
           (52.414, 13.578), (52.411, 13.664), (52.375, 13.649)),
    "10": ((52.543, 13.563), (52.509, 13.555), (52.507, 13.583), (52.509, 13.613), (52.537, 13.604)),
    "11": ((52.505, 13.519), (52.484, 13.524), (52.514, 13.497), (52.573, 13.546), (52.576, 13.517), (52.567, 13.510),
           (52.547, 13.505), (52.528, 13.472), (52.500, 13.485)),
    "12": ((52.567, 13.338), (52.583, 13.289), (52.586, 13.227), (52.610, 13.230), (52.632, 13.291), (52.616, 13.309),
           (52.607, 13.329), (52.615, 13.353), (52.592, 13.331), (52.598, 13.357), (52.582, 13.311)),
}
# fmt: on


def district_of(place: Location) -> str | None:
    """Returns the LOR key of the most probable Bezirk; None if the location is far from all of them."""
    narrow = cos(radians(52.5))

    def kilometres(centre: tuple[float, float]) -> float:
        return _KM * hypot(place.latitude - centre[0], (place.longitude - centre[1]) * narrow)

    near = {key: min(map(kilometres, centres)) for key, centres in _CENTRES.items()}
    nearest = min(near, key=near.__getitem__)
    return nearest if near[nearest] <= FARTHEST_KM else None
