"""Names that become SQL identifiers or folders: checked on arrival, quoted on use."""

import re

from goldstream.errors import SettingsError

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,39}")


def identifier(name: str, what: str) -> str:
    """Return `name` if it is a plain lower-case identifier of at most 40 characters; `what` names it in the error.

    >>> identifier("raw_tweet", "dataset prefix")
    'raw_tweet'
    >>> identifier("x; drop table", "dataset prefix")
    Traceback (most recent call last):
    ...
    goldstream.errors.SettingsError: dataset prefix 'x; drop table': use at most 40 of a-z, 0-9 and _, not starting with a digit
    """
    if not _IDENTIFIER.fullmatch(name):
        raise SettingsError(f"{what} {name!r}: use at most 40 of a-z, 0-9 and _, not starting with a digit")
    return name


def raw_table(prefix: str, version: int) -> str:
    """Return the name of the table that holds the posts of one dataset.

    >>> raw_table("", 0), raw_table("flood_", 2)
    ('raw_tweet_dataset_0', 'flood_raw_tweet_dataset_2')
    """
    return f"{identifier(prefix, 'dataset prefix') if prefix else ''}raw_tweet_dataset_{version:d}"
