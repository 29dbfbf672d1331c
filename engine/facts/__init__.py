"""What is known of a model and of a request, as plain JSON, and the vocabulary that gives each fact its type.

Comes in: rules/facts.yaml, and facts as a probe, a person or a file tells them. Goes out: typed names that
expressions and messages may use. Read types, vocabulary, assignments, json_lines; wording and one_line say values to
people.
"""
