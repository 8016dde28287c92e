"""Answers in the files of other tools: one module for each, with `write` and `read`."""
