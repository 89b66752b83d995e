"""How fast: of the suite, and of the losses that it checks."""
