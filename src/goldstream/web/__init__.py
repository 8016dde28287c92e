"""The pages: what the stream brings, the links behind it, the model that decides, and whether all is well."""
