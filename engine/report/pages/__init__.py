"""A policy as it is shown: its parts with their places, one rule file of it, pictures of its gates, a page."""
