"""Links in posts: found, spelled one way, counted once."""

from goldstream.links.canonical import canonicalise, domain
from goldstream.links.extract import extract

__all__ = ["canonicalise", "domain", "extract"]
