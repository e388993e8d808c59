"""Tariff notices: what the activation of a version changes, for whom and from when, kept with the warnings."""
