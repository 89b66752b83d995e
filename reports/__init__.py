"""What the reader sees: HTML and markdown, made from results files and nothing else."""
