"""Triggers over time at work: events in, warnings out. Nothing is kept here, and no clock is read."""
