"""The champion behind REST: one file for each protocol, all on one port."""
