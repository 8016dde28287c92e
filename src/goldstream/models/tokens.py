# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""Takes tokens from UTF-8 bytes and gives their hashes: the n-gram bag's eyes.

It normalises as it goes: case and width are folded (see `characters`), a letter repeated more than twice counts twice, a
URL becomes one token and its host another, a mention becomes one token, a hashtag counts whole and without its `#`, an
emoji with its modifiers is one token, and so is a modifier that has lost its emoji. Invalid bytes count as marks; nothing in
a text can make this fail.

It looks at 64 bytes at once, as simdjson does (Langdale and Lemire, "Parsing gigabytes of JSON per second", VLDB Journal
2019), and three bits for each say what it is. From there are three ways through a token. An ASCII word of up to 15 letters
is taken at once; a longer one, and one with an apostrophe or a letter three times over, goes byte by byte; and what is not
ASCII goes character by character. All three give the same characters the same hash. A hash of 0 is no hash. Up to `PAST`
bytes after a text are read, and not used.
"""

import numpy as np

from goldstream.jit import tight_kernel, tiny_kernel
from goldstream.models.characters import APOSTROPHE, DIGIT, EMOJI, IDEOGRAPH, JOINER, LETTER, MARK, SIZE
from goldstream.models.instructions import byte, eight_bytes, odd_bits, skip_bits, word_bits

_SEED = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64(0x9FB21C651E98DF25)
_HALF, _EIGHT, _FULL = np.uint64(32), np.uint64(8), np.uint64(64)

_CASE = np.uint64(0x2020202020202020)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_FOUR = np.uint64(0xFFFFFFFF)
_HTTP, _WWW = np.uint64(int.from_bytes(b"http", "little")), np.uint64(int.from_bytes(b"www.", "little"))

PAST = 72  #: so many bytes after the end of a text must be there to be read

ZERO_WIDTH_JOINER = 0x200D
SKIP, IN_WORD, IN_MARKS, HASH, AT, AMPERSAND, NOT_ASCII = range(7)


def _ascii() -> np.ndarray:
    """What a token can be that starts with each byte."""
    sorts = np.full(256, NOT_ASCII, np.uint8)
    for code in range(128):
        char = chr(code)
        if char.isalnum() or char == "_":
            sorts[code] = IN_WORD
        else:
            sorts[code] = IN_MARKS if char.isprintable() and char not in " '" else SKIP
    sorts[[ord("#"), ord("@"), ord("&")]] = HASH, AT, AMPERSAND
    return sorts


STARTS = _ascii()
SKIPPED = bytes(code for code in range(128) if STARTS[code] == SKIP)  #: what no token begins with: white space and the like


@tiny_kernel
def step(h, x):
    """Return the hash `h` with eight more bytes taken in."""
    h = (h ^ x) * _PRIME
    return h ^ (h >> _HALF)


@tiny_kernel
def _take(h, x, bits, c):
    """The state of a hash with one more character; ASCII gathers in `x` until there are eight."""
    if c >= 128:
        return step(h, np.uint64(c) << _EIGHT | bits | np.uint64(1)), x, bits
    x |= np.uint64(c) << bits
    bits += _EIGHT
    if bits == _FULL:
        return step(h, x), np.uint64(0), np.uint64(0)
    return h, x, bits


@tight_kernel
def hash_of(chars, n, case):
    """Return the hash of the first `n` characters; `case`, 32 for words and else 0, is set in every ASCII character."""
    h, x, bits = _SEED, np.uint64(0), np.uint64(0)
    for j in range(n):
        h, x, bits = _take(h, x, bits, chars[j] | case if chars[j] < 128 else chars[j])
    return step(h, x) if bits > 0 else h


@tiny_kernel
def _first(size):
    """A mask of the first `size` bytes of eight, for 1 to 8."""
    return _ALL >> (_FULL - (np.uint64(size) << np.uint64(3)))


@tiny_kernel
def look(data, i, end):
    """Return three bits for each of 64 bytes from `i` on: it is in an ASCII word; it is no token; it needs another way.

    The bytes from `end` on are no token.
    """
    inside = _ALL if end - i >= 64 else (np.uint64(1) << np.uint64(end - i)) - np.uint64(1)
    return word_bits(data, i) & inside, skip_bits(data, i) | ~inside, odd_bits(data, i) & inside


@tiny_kernel
def ascii_word(data, i, size):
    """Return the hash of the word that is the `size` (1 to 15) bytes from `i` on."""
    x = eight_bytes(data, i) | _CASE
    if size <= 8:
        return step(_SEED, x & _first(size))
    return step(step(_SEED, x), (eight_bytes(data, i + 8) | _CASE) & _first(size - 8))


@tight_kernel
def plain_word(data, i, end):
    """Return where the ASCII word at byte `i` ends, and its hash; 0 if it has characters that are not ASCII."""
    h, x, bits = _SEED, np.uint64(0), np.uint64(0)
    last = before = np.int64(0)
    while i < end:
        b = byte(data, i)
        if b >= 128:
            return i, np.uint64(0)
        if b == 39:
            if last == 0 or i + 1 >= end:
                break
            following = byte(data, i + 1)
            if following >= 128:
                return i, np.uint64(0)
            if STARTS[following] != IN_WORD or 48 <= following <= 57:
                break
        elif STARTS[b] != IN_WORD:
            break
        b |= 32
        i += 1
        if b == last and b == before and b > 57:
            continue
        before, last = last, b
        h, x, bits = _take(h, x, bits, b)
    return i, (step(h, x) if bits > 0 else h)


@tiny_kernel
def lone_mark(data, i):
    """Return the hash of the mark that is the byte `i`."""
    return step(_SEED, np.uint64(byte(data, i)))


@tight_kernel
def ascii_marks(data, i, end):
    """Return where the marks from byte `i` on end, and their hash; 0 if they go another way."""
    h, x, bits = _SEED, np.uint64(0), np.uint64(0)
    last = before = np.int64(0)
    while i < end:
        b = byte(data, i)
        sort = STARTS[b]
        if sort != IN_MARKS:
            if sort > IN_MARKS:
                return i, np.uint64(0)
            break
        i += 1
        if b == last and b == before:
            continue
        before, last = last, b
        h, x, bits = _take(h, x, bits, b)
    return i, (step(h, x) if bits > 0 else h)


@tight_kernel
def _decode(data, i, end):
    """The code point at byte `i` and the number of its bytes; an invalid byte is U+FFFD and one byte long."""
    b = byte(data, i)
    if b < 0x80:
        return b, 1
    if 0xC2 <= b < 0xE0 and i + 1 < end:
        return (b & 0x1F) << 6 | (byte(data, i + 1) & 0x3F), 2
    if 0xE0 <= b < 0xF0 and i + 2 < end:
        return (b & 0x0F) << 12 | (byte(data, i + 1) & 0x3F) << 6 | (byte(data, i + 2) & 0x3F), 3
    if 0xF0 <= b < 0xF5 and i + 3 < end:
        code = (b & 0x07) << 18 | (byte(data, i + 1) & 0x3F) << 12 | (byte(data, i + 2) & 0x3F) << 6
        return code | (byte(data, i + 3) & 0x3F), 4
    return 0xFFFD, 1


@tight_kernel
def starts_url(data, i, end):
    """Return how many bytes of `http://`, `https://` or `www.` stand at `i`; 0 for none."""
    if i + 4 >= end:
        return 0
    a = byte(data, i) | 32
    if a == 119:  # www.
        return 4 if (byte(data, i + 1) | 32) == 119 and (byte(data, i + 2) | 32) == 119 and byte(data, i + 3) == 46 else 0
    if a != 104 or (byte(data, i + 1) | 32) != 116 or (byte(data, i + 2) | 32) != 116 or (byte(data, i + 3) | 32) != 112:
        return 0
    j = i + 4
    if (byte(data, j) | 32) == 115:
        j += 1
    return j + 3 - i if j + 2 < end and byte(data, j) == 58 and byte(data, j + 1) == 47 and byte(data, j + 2) == 47 else 0


@tiny_kernel
def may_start_url(data, i):
    """Whether the bytes from `i` on start as a URL does."""
    four = (eight_bytes(data, i) | _CASE) & _FOUR
    return (four == _HTTP) | (four == _WWW)


@tight_kernel
def entity(data, i, end):
    """Return how many bytes the HTML entity at `i` has, of those that texts are full of (`&amp;` and its like); 0 for none."""
    if i + 3 < end and byte(data, i + 2) == 116 and byte(data, i + 3) == 59:
        if byte(data, i + 1) == 108 or byte(data, i + 1) == 103:
            return 4  # &lt; &gt;
    elif i + 4 < end and byte(data, i + 4) == 59:
        a, b, c = byte(data, i + 1), byte(data, i + 2), byte(data, i + 3)
        if (a == 97 and b == 109 and c == 112) or (a == 35 and b == 51 and c == 57):
            return 5  # &amp; &#39;
    elif i + 5 < end and byte(data, i + 5) == 59:
        a, b, c, d = byte(data, i + 1), byte(data, i + 2), byte(data, i + 3), byte(data, i + 4)
        if a == 113 and b == 117 and c == 111 and d == 116:
            return 6  # &quot;
    return 0


@tiny_kernel
def _is_name(b):
    """Whether a byte can stand in a mention."""
    return 97 <= b | 32 <= 122 or 48 <= b <= 57 or b == 95


@tight_kernel
def mention(data, i, end):
    """Return where the mention whose `@` is byte `i` ends; `i` if it is none."""
    start = i
    i += 1
    while i < end:
        b = byte(data, i)
        if not (_is_name(b) or (i > start + 1 and (b == 46 or b == 45))):
            break
        i += 1
    return i if i > start + 1 else start


@tight_kernel
def host(data, i, end, chars):
    """Take in the host that begins at byte `i`, without `www.`. Gives the end of the URL, and how many characters."""
    if i + 4 < end and byte(data, i + 3) == 46 and starts_url(data, i, end) == 4:
        i += 4
    n = 0
    while i < end:
        b = byte(data, i)
        if not (_is_name(b) or b == 45 or b == 46):
            break
        chars[n] = b | 32 if b >= 65 else b
        n += 1
        i += 1
    while i < end:
        b = byte(data, i)
        if b <= 32 or b == 34 or b == 60 or b == 62:
            break
        i += 1
    return i, n


@tight_kernel
def read_word(data, i, end, fold, kinds, chars):
    """Take the letters and digits from byte `i` on into `chars`. Gives where they end, and how many there are."""
    n = 0
    while i < end:
        code, size = _decode(data, i, end)
        kind = np.uint8(MARK)
        if code < SIZE:
            kind = kinds[code]
            code = np.int64(fold[code])
        if kind == LETTER:
            if n > 1 and chars[n - 1] == code and chars[n - 2] == code:
                i += size
                continue
        elif kind != DIGIT:
            if kind != APOSTROPHE or n == 0 or i + size >= end:
                break
            following, _ = _decode(data, i + size, end)
            if following >= SIZE or kinds[following] != LETTER:
                break
            code = 39
        chars[n] = code
        n += 1
        i += size
    return i, n


@tight_kernel
def _run(data, i, end, kinds, chars, kind):
    """Take in marks, or one emoji and what is joined to it; a mark repeated more than twice counts twice."""
    n = 0
    joined = True
    while i < end:
        code, size = _decode(data, i, end)
        here = kinds[code] if code < SIZE else np.uint8(MARK)
        if here == JOINER:
            joined = joined or code == ZERO_WIDTH_JOINER
            i += size
            continue
        if here != kind or (kind == EMOJI and not joined) or (n > 0 and (code == 35 or code == 64)):
            break
        if code == 38 and n > 0 and entity(data, i, end) > 0:
            break
        joined = 0x1F1E6 <= code < 0x1F200 and n == 0  # a flag is a pair of letters
        if n < 2 or chars[n - 1] != code or chars[n - 2] != code:
            chars[n] = code
            n += 1
        i += size
    return i, n


@tight_kernel
def any_token(data, i, end, fold, kinds, chars):
    """Take in the token at byte `i`, of any script. Gives where it ends, its kind and its hash; a hash of 0 is no token."""
    code, size = _decode(data, i, end)
    kind = kinds[code] if code < SIZE else np.uint8(MARK)
    n = case = 0
    if kind == LETTER or kind == DIGIT:  # noqa: SIM109 - numba compiles this faster
        case = 32
        i, n = read_word(data, i, end, fold, kinds, chars)
    elif kind == MARK or kind == EMOJI:  # noqa: SIM109
        i, n = _run(data, i, end, kinds, chars, kind)
    elif kind == IDEOGRAPH or (kind == JOINER and code != ZERO_WIDTH_JOINER):
        chars[0] = code
        n = 1
        i += size
    else:
        i += size
    return i, kind, (hash_of(chars, n, case) if n > 0 else np.uint64(0))


@tight_kernel
def starts_tag(data, i, end, kinds):
    """Whether the `#` at byte `i` is followed by a letter or a digit."""
    if i + 1 >= end:
        return False
    following, _ = _decode(data, i + 1, end)
    return following < SIZE and (kinds[following] == LETTER or kinds[following] == DIGIT)
