"""What did the conformance runs say before?  One line for each run, and how it went for every loss."""
