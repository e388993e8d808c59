"""Advice files become, for each rule set that they are for, alternatives and a program that rewrites rows."""
