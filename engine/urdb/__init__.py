"""Rates of OpenEI's U.S. Utility Rate Database (URDB), read and written as rule sets.

`rate` reads the JSON, `fields` says what each field means, `translate` turns a rate into a rule set and an account of
every field, `write` puts the rule set into YAML. Nothing here bills, and nothing is dropped without a word.
"""
