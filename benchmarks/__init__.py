"""Measurements: two bills, written once as rule sets and once by hand for every other engine."""
