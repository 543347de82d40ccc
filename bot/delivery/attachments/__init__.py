"""What people send instead of words: noted with the answer, fetched after the commit, kept sealed for people."""
