"""Broadcasts of consultations to subscribers: recipients, content, schedule and outcome."""
