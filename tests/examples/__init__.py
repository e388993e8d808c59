"""Published and derived worked examples, and the rule sets that bill them."""
