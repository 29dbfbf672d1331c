"""What a loaded model says, as a terminal shows it: one answer, or a talk.

Comes in: facts, a decision, a prompt. Goes out: text as it comes, and how it ended. Read answering, conversation.
"""
