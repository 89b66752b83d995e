"""Which losses of one's own does the suite judge, and how?  One module each: a contract, and an implementation."""
