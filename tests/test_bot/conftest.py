"""A house with the samples, for every test here that wants one."""

from tests.conversation import furnished, furnished_file

__all__ = ["furnished", "furnished_file"]
