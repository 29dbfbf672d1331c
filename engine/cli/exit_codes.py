"""What the command ends with, for a program that called it."""

YES = 0  # it may be loaded, the file is sound, the answer is given
NO = 1  # it is blocked, a case fails, two policies differ
UNUSABLE = 2  # what was given cannot be used; the error line says why
UNSURE = 2  # nobody can tell: two policies agree in all that was tried, and no proof is at hand
BUG = 3
INTERRUPTED = 130  # by Ctrl-C, as shells have it


def answered(yes: bool) -> int:
    """Return the code of a question that is answered with yes or no."""
    return YES if yes else NO
