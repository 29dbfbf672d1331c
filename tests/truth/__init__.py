"""The truth table: sound models, changed one way each, what their load really does, and what the facts tell."""
