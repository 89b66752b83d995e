"""What was the speed before?  One line for each run, kept apart by machine, and where it changed."""
