"""From a rule file's text to a policy document that was checked, and back to text where a file is changed.

Comes in: the name or path of a rule file. Goes out: a document, each part with file, line and column; or every
problem that the file has. Read policy_names, source, yaml_tree, document_reader with gate_reader and value_reader,
document, overlay, loading, checked.
"""
