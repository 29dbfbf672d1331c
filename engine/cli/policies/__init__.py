"""Which policy is meant: as someone chose it, as a git revision had it, with its cases, and while its files change."""
