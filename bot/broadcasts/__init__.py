"""Pushing consultations to those who asked for it: who, what, when, and what became of it."""
