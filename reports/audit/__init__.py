"""How accurate is each loss?  A table of worst errors, each proved, searched or derived."""
