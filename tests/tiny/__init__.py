"""Sound model folders, each a few hundred kB and made in under a second, with answers that are known beforehand."""
