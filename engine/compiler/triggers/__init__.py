"""Triggers become transitions: one file a kind, found by its `KIND`."""
