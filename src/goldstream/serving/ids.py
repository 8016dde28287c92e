"""Identifiers of predictions and requests: UUIDs of version 7 (RFC 9562), which sort by the time they were made."""

import os
import time

SIZE = 16  #: bytes of one
_VERSION = bytes(0x70 | byte & 0x0F for byte in range(256))
_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))


def new_ids(count: int) -> bytearray:
    """Return the bytes of `count` new identifiers.

    >>> ids = new_ids(2)
    >>> len(ids), written(ids[:16])[14], ids[:16] != ids[16:]
    (32, '7', True)
    """
    ids = bytearray(os.urandom(SIZE * count))
    for place, byte in enumerate((time.time_ns() // 1_000_000).to_bytes(6)):
        ids[place::SIZE] = bytes((byte,)) * count
    ids[6::SIZE] = ids[6::SIZE].translate(_VERSION)
    ids[8::SIZE] = ids[8::SIZE].translate(_VARIANT)
    return ids


def written(identifier: bytes | bytearray) -> str:
    """Return one identifier as people write it.

    >>> written(bytes(range(16)))
    '00010203-0405-0607-0809-0a0b0c0d0e0f'
    """
    digits = identifier.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
