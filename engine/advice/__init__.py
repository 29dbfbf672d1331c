"""What would have to change, and how far what is there reaches: found by asking the policy again.

Comes in: a policy, facts, and the trace of their decision. Goes out: the fewest changes that lead to allow; the longest
context that fits. Read levers with lever_reader (what a person can change), remedies, longest_context.
"""
