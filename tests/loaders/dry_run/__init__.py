"""What the installed backends say of a folder, and what asking them may not do."""
