"""What lasts longer than a request: the rules in force, the log of what was decided, what is counted."""
