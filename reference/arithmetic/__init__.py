"""The arithmetics over which one formula is evaluated: float64, Rounded, Certified."""
