"""Did a loss become slower or hungrier?  The report on speed, from files alone."""
