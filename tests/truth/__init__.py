"""The truth table: sound models, damaged or changed one way each, what their load really does, and what the facts tell."""
