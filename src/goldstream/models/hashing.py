# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""Reads UTF-8 bytes and gives the hashes of their words, word pairs and character n-grams: the n-gram bag's eyes.

One pass normalises as it goes: case and width are folded (see `characters`), a letter repeated more than twice counts
twice, a URL becomes one token and its host another, a mention becomes one token, a hashtag counts whole and without its
`#`, an emoji with its modifiers is one token. Invalid bytes count as marks; nothing in a text can make this fail.
"""

import numpy as np

from goldstream.jit import tight_kernel
from goldstream.models.characters import APOSTROPHE, DIGIT, EMOJI, IDEOGRAPH, JOINER, LETTER, MARK, SIZE

URL, MENTION, EDGE = 1, 2, 32  # stand for characters that no text can have kept

WORD, TAG, ATOM, MARKS = range(4)  # sorts of tokens: only the first two have n-grams, the last is in no pair

_WORD_SEED = np.uint64(0x9E3779B97F4A7C15)
_PAIR_SEED = np.uint64(0xC2B2AE3D27D4EB4F)
_GRAM_SEED = np.uint64(0x165667B19E3779F9)
_PRIME = np.uint64(0x9FB21C651E98DF25)


@tight_kernel
def _mix(h, c):
    """One step of the hash: `h` with the character or the hash `c` taken in."""
    h = (h ^ np.uint64(c)) * _PRIME
    return h ^ (h >> np.uint64(29))


@tight_kernel
def _hash(chars, first, last):
    """The hash of one token."""
    h = _WORD_SEED
    for j in range(first, last):
        h = (h ^ np.uint64(chars[j])) * _PRIME
    return h


@tight_kernel
def _decode(data, i, end):
    """The code point at byte `i` and the number of its bytes; an invalid byte is U+FFFD and one byte long."""
    b = data[i]
    if b < 0x80:
        return np.int32(b), 1
    if 0xC2 <= b < 0xE0 and i + 1 < end:
        return np.int32((b & 0x1F) << 6 | (data[i + 1] & 0x3F)), 2
    if 0xE0 <= b < 0xF0 and i + 2 < end:
        return np.int32((b & 0x0F) << 12 | (data[i + 1] & 0x3F) << 6 | (data[i + 2] & 0x3F)), 3
    if 0xF0 <= b < 0xF5 and i + 3 < end:
        code = (b & 0x07) << 18 | (data[i + 1] & 0x3F) << 12 | (data[i + 2] & 0x3F) << 6 | (data[i + 3] & 0x3F)
        return np.int32(code), 4
    return np.int32(0xFFFD), 1


@tight_kernel
def _starts_url(data, i, end):
    """How many bytes of `http://`, `https://` or `www.` stand at `i`; 0 for none."""
    if i + 4 >= end:
        return 0
    a = data[i] | 32
    if a == 119:  # www.
        return 4 if (data[i + 1] | 32) == 119 and (data[i + 2] | 32) == 119 and data[i + 3] == 46 else 0
    if a != 104 or (data[i + 1] | 32) != 116 or (data[i + 2] | 32) != 116 or (data[i + 3] | 32) != 112:
        return 0
    j = i + 4
    if (data[j] | 32) == 115:
        j += 1
    return j + 3 - i if j + 2 < end and data[j] == 58 and data[j + 1] == 47 and data[j + 2] == 47 else 0


@tight_kernel
def _entity(data, i, end):
    """How many bytes the HTML entity at `i` has, of those that texts are full of (`&amp;` and its like); 0 for none."""
    if i + 3 < end and data[i + 2] == 116 and data[i + 3] == 59 and (data[i + 1] == 108 or data[i + 1] == 103):
        return 4  # &lt; &gt;
    if i + 4 < end and data[i + 1] == 97 and data[i + 2] == 109 and data[i + 3] == 112 and data[i + 4] == 59:
        return 5  # &amp;
    if i + 4 < end and data[i + 1] == 35 and data[i + 2] == 51 and data[i + 3] == 57 and data[i + 4] == 59:
        return 5  # &#39;
    if i + 5 < end and data[i + 1] == 113 and data[i + 2] == 117 and data[i + 3] == 111 and data[i + 5] == 59:
        return 6  # &quot;
    return 0


@tight_kernel
def _is_name(b):
    """Whether a byte can stand in a mention."""
    return 97 <= b | 32 <= 122 or 48 <= b <= 57 or b == 95


@tight_kernel
def _url(data, i, end, chars, n, ends, sorts, hashes, tokens):
    """Take in the URL whose host begins at byte `i`, as two tokens: "a URL", and its host. Gives where it ends."""
    chars[n] = URL
    n += 1
    ends[tokens] = n
    sorts[tokens] = ATOM
    hashes[tokens] = _hash(chars, n - 1, n)
    tokens += 1
    if i + 4 < end and _starts_url(data, i, end) == 4:
        i += 4
    first = n
    while i < end and (_is_name(data[i]) or data[i] == 45 or data[i] == 46):
        chars[n] = data[i] | 32 if data[i] >= 65 else data[i]
        n += 1
        i += 1
    if n > first:
        ends[tokens] = n
        sorts[tokens] = ATOM
        hashes[tokens] = _hash(chars, first, n)
        tokens += 1
    while i < end and data[i] > 32 and data[i] != 34 and data[i] != 60 and data[i] != 62:
        i += 1
    return i, n, tokens


@tight_kernel
def _word(data, i, end, fold, kinds, chars, n):
    """Take in the letters and digits from byte `i` on, and their hash; a letter repeated more than twice counts twice."""
    first = n
    h = _WORD_SEED
    while i < end:
        b = data[i]
        size = 1
        kind = kinds[b]
        code = fold[b]
        if b >= 0x80:
            kind = np.uint8(MARK)
            code, size = _decode(data, i, end)
            if code < SIZE:
                kind = kinds[code]
                code = fold[code]
        if kind == LETTER:
            if n > first + 1 and chars[n - 1] == code and chars[n - 2] == code:
                i += size
                continue
        elif kind != DIGIT:
            if kind != APOSTROPHE or n == first or i + size >= end:
                break
            following, _ = _decode(data, i + size, end)
            if following >= SIZE or kinds[following] != LETTER:
                break
            code = np.int32(39)
        chars[n] = code
        h = (h ^ np.uint64(code)) * _PRIME
        n += 1
        i += size
    return i, n, h


@tight_kernel
def _run(data, i, end, kinds, chars, n, kind):
    """Take in marks, or one emoji and what is joined to it; a mark repeated more than twice counts twice."""
    first = n
    joined = True
    while i < end:
        code, size = _decode(data, i, end)
        here = kinds[code] if code < SIZE else np.uint8(MARK)
        if here == JOINER:
            joined = joined or code == 0x200D
            i += size
            continue
        if here != kind or (kind == EMOJI and not joined) or (i > 0 and n > first and (code == 35 or code == 64)):
            break
        if code == 38 and n > first and _entity(data, i, end) > 0:
            break
        joined = 0x1F1E6 <= code < 0x1F200 and n == first  # a flag is a pair of letters
        if n < first + 2 or chars[n - 1] != code or chars[n - 2] != code:
            chars[n] = code
            n += 1
        i += size
    return i, n


@tight_kernel
def _tokens(data, i, end, fold, kinds, chars, ends, sorts, hashes):
    """Normalise `data[i:end]` into `chars`, with the end, the sort and the hash of each token; gives the number of tokens."""
    n = tokens = 0
    while i < end:
        b = data[i]
        if b <= 32:
            i += 1
            continue
        before = n
        sort = WORD
        h = np.uint64(0)
        if b == 104 or b == 72 or b == 119 or b == 87:
            url = _starts_url(data, i, end)
            if url > 0:
                i, n, tokens = _url(data, i + url, end, chars, n, ends, sorts, hashes, tokens)
                continue
        if b == 64 and i + 1 < end and _is_name(data[i + 1]):
            i += 1
            while i < end and (_is_name(data[i]) or data[i] == 46 or data[i] == 45):
                i += 1
            chars[n] = MENTION
            n += 1
            sort = ATOM
        elif b == 38 and _entity(data, i, end) > 0:
            i += _entity(data, i, end)
            continue
        else:
            code, size = _decode(data, i, end)
            if b == 35 and i + 1 < end:
                following, _ = _decode(data, i + 1, end)
                if following < SIZE and (kinds[following] == LETTER or kinds[following] == DIGIT):
                    sort = TAG
                    i += 1
                    code, size = _decode(data, i, end)
            kind = kinds[code] if code < SIZE else np.uint8(MARK)
            if kind == LETTER or kind == DIGIT:  # noqa: SIM109 - numba compiles this faster
                i, n, h = _word(data, i, end, fold, kinds, chars, n)
            elif kind == MARK or kind == EMOJI:  # noqa: SIM109
                i, n = _run(data, i, end, kinds, chars, n, kind)
                sort = MARKS if kind == MARK else ATOM
            elif kind == IDEOGRAPH:
                chars[n] = code
                n += 1
                i += size
                sort = ATOM
            else:
                i += size
        if n > before:
            ends[tokens] = n
            sorts[tokens] = sort
            hashes[tokens] = h if h != 0 else _hash(chars, before, n)
            tokens += 1
    return tokens


@tight_kernel
def _hash_grams(chars, first, last, low, high, shift, grams, n):
    """Write the bucket of every n-gram of `low` to `high` characters of one word, its edges counted as characters."""
    for start in range(first - 1, last + 2 - low):
        h = _GRAM_SEED
        stop = min(start + high, last + 1)
        for j in range(start, stop):
            h = (h ^ np.uint64(EDGE if j < first or j >= last else chars[j])) * _PRIME
            if j - start + 1 >= low:
                grams[n] = np.uint32(((h ^ (h >> np.uint64(32))) * _PRIME) >> shift)
                n += 1
    return n


@tight_kernel
def hash_text(data, start, end, fold, kinds, pairs, low, high, shift, chars, ends, sorts, hashes, words, grams):
    """Write the buckets of one text's words (and pairs) into `words`, of its character n-grams into `grams`.

    Gives how many there are of each. `shift` is 64 less the number of bits of a bucket; `low` 0 means no n-grams. The
    buffers hold at least the text's bytes (`chars`, `ends`, `sorts`, `hashes`), three times as many (`words`), and one per
    order and byte (`grams`).
    """
    tokens = _tokens(data, start, end, fold, kinds, chars, ends, sorts, hashes)
    n_words = n_grams = first = 0
    before = np.uint64(0)
    for t in range(tokens):
        last = ends[t]
        h = hashes[t] ^ (hashes[t] >> np.uint64(32))
        words[n_words] = np.uint32((h * _PRIME) >> shift)
        n_words += 1
        if sorts[t] != MARKS:
            if sorts[t] == TAG:
                words[n_words] = np.uint32((_mix(h, 35) * _PRIME) >> shift)
                n_words += 1
            if pairs and before != 0:
                words[n_words] = np.uint32((_mix(_mix(_PAIR_SEED, before), h) * _PRIME) >> shift)
                n_words += 1
            before = h
            if low > 0 and sorts[t] != ATOM:
                n_grams = _hash_grams(chars, first, last, low, high, shift, grams, n_grams)
        first = last
    return n_words, n_grams


@tight_kernel
def hash_texts(data, offsets, valid, fold, kinds, pairs, low, high, shift, scratch, sorts, hashes, ids, starts):
    """Write the buckets of all texts into `ids`, and where each text's words and n-grams begin into `starts`.

    `starts` has two entries per text and one at the end. Gives the number of buckets, or -1 when `ids` is too small.
    """
    size = len(sorts)
    chars, ends = scratch[:size], scratch[size : 2 * size]
    words = ids[0:0]
    n = 0
    for row in range(len(offsets) - 1):
        starts[2 * row] = n
        starts[2 * row + 1] = n
        first, last = offsets[row], offsets[row + 1]
        if not valid[row] or last == first:
            continue
        orders = 3 + (high - low + 1 if low > 0 else 0)
        if n + orders * (last - first) > len(ids):
            return -1
        words = ids[n:]
        grams = ids[n + 3 * (last - first) :]
        n_words, n_grams = hash_text(
            data, first, last, fold, kinds, pairs, low, high, shift, chars, ends, sorts, hashes, words, grams
        )
        for i in range(n_grams):
            words[n_words + i] = grams[i]
        starts[2 * row + 1] = n + n_words
        n += n_words + n_grams
    starts[2 * (len(offsets) - 1)] = n
    return n
