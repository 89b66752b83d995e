"""What got worse, and what better, between two results files: versions, devices, commits or subjects?"""
