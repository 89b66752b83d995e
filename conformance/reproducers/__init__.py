"""What shows a failure to somebody without the suite: a script of a few lines, written as text."""
