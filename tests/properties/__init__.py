"""Whole bills of the engine, from both interpreters, against the independent oracles."""
