"""Who asks, and what: comes in a request as bytes, goes out what it asks for, or a refusal in OpenAI's shape.

Read refusals, admission, request_body, message_parts, catalogue, adapters.
"""
