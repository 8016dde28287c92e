"""What each Unicode character is to the n-gram bag: folded to one case and width, and sorted into a few kinds.

>>> fold, kinds = tables()
>>> [chr(fold[ord(c)]) for c in "ÄΣＡ７"]
['ä', 'σ', 'a', '7']
>>> [int(kinds[ord(c)]) for c in "a7 !漢🔥"] == [LETTER, DIGIT, SPACE, MARK, IDEOGRAPH, EMOJI]
True
"""

import unicodedata
from functools import cache

import numpy as np

SPACE, LETTER, DIGIT, MARK, EMOJI, IDEOGRAPH, JOINER, APOSTROPHE = range(8)

#: Characters from here on are rare: they count as `MARK` and are not folded.
SIZE = 0x20000

_APOSTROPHES = "'\u2019\u02bc\uff07"
_JOINERS = {0x200D, 0xFE0E, 0xFE0F, 0x20E3, *range(0x1F3FB, 0x1F400)}  # they change an emoji, and make none
_EMOJI = ((0x2600, 0x27C0), (0x2B00, 0x2C00), (0x1F000, 0x20000), (0x2190, 0x2200), (0x2300, 0x2400))
_IDEOGRAPHS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))


@cache
def tables() -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays over code points below `SIZE`: what each folds to (int32), and its kind (uint8)."""
    fold = np.arange(SIZE, dtype=np.int32)
    kinds = np.full(SIZE, MARK, dtype=np.uint8)
    for code in range(SIZE):
        folded = _folded(code)
        fold[code] = folded
        kinds[code] = _kind(folded)
    return fold, kinds


def _folded(code: int) -> int:
    """One character in lower case and of plain width; a character that folds to several stays as it is."""
    if code < 0x80:
        return ord(chr(code).lower())
    if 0xD800 <= code < 0xE000:
        return code
    wide = unicodedata.normalize("NFKC", chr(code)) if 0xFF00 <= code < 0xFFF0 or 0x1D400 <= code < 0x1D800 else chr(code)
    folded = wide.casefold()
    return ord(folded) if len(folded) == 1 else code


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(start <= code < end for start, end in ranges)


def _kind(code: int) -> int:
    if code in _JOINERS:
        return JOINER
    if _within(code, _EMOJI):
        return EMOJI
    if _within(code, _IDEOGRAPHS):
        return IDEOGRAPH
    char = chr(code)
    if char in _APOSTROPHES:
        return APOSTROPHE
    category = unicodedata.category(char)
    if category[0] in "LM" or char == "_":
        return LETTER
    if category[0] == "N":
        return DIGIT
    return SPACE if category[0] in "ZC" else MARK
