"""What the command ends with, for a program that called it."""

YES = 0  # it may be loaded, the file is sound, the answer is given
NO = 1  # it is blocked, a case fails, two policies differ
UNUSABLE = 2  # what was given cannot be used; the error line says why
BUG = 3
INTERRUPTED = 130  # by Ctrl-C, as shells have it
