"""What is loaded: comes in a decision that allows, goes out a backend's answer. Read room, needs, models, relay."""
