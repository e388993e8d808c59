"""Independent oracles: bills in plain Decimal, written from the notices, importing nothing from `engine`.

One module for each charge kind and one for each shipped rule set. They are slow, short and meant to be read beside
the notice. The engine's two interpreters share one lowering, so that they agree proves the kernels; that they agree
with these proves the tariff.
"""
