"""How inaccurate can a loss become?  Worst cases by search, next to what exhaustion proved and bounds allow."""
