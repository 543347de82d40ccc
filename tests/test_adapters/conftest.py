"""The homeserver is started once for all tests of this folder."""

from tests.synapse import homeserver

__all__ = ["homeserver"]
