"""Puts the parts of a project together and runs them: in one process for a command, in a tree for `goldstream up`."""
