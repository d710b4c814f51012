"""Foreign models, which are not part of the package: their structure is checked, and they run in a child process first.

This finds broken models and models that crash the runtime. It does not protect against malicious files: like a program,
a model file must come from a source that you trust.
"""
