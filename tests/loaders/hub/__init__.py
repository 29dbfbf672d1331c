"""The hub, as a server of our own on this machine, and all that is asked of it."""
