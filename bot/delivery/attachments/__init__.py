"""Voice messages and pictures: stored with the answer, fetched after the commit, kept encrypted."""
