"""What is wrong with the command line?"""


class Bad(Exception):
    """A bad option: the message is the one line that says so.  Exit status 4, before any work."""
