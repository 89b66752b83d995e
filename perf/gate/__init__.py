"""Is a loss slower than it was?  Head and base side by side: exact counters, instructions, paired processor time."""
