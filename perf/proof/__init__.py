"""Does the gate find what it should, and keep quiet otherwise?  Runs without a change, and with one that costs."""
