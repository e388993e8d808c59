"""Quantity kinds against published examples and against oracles that import nothing of the engine."""
