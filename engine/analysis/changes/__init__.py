"""What an author did to a policy, and what that changes: edits, then facts that show what each of them does.

Comes in: two policies. Goes out: a survey. Read edits, partial (a policy with some of the edits alone), likely (facts
at which an edit is likely to be seen), survey, which puts them together and asks the solver for the rest.
"""
