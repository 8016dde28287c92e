"""One file for each page: a query, and a template of the same name."""
