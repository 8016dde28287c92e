# mypy: disable-error-code="no-untyped-def, no-untyped-call"
"""Turns texts into the buckets of their words, word pairs and character n-grams: what the n-gram bag counts."""

import numpy as np

from goldstream.jit import tight_kernel, tiny_kernel
from goldstream.models.characters import DIGIT, LETTER, MARK
from goldstream.models.instructions import byte, fetch, put, zeros_below
from goldstream.models.tokens import (
    AMPERSAND,
    AT,
    HASH,
    IN_MARKS,
    STARTS,
    any_token,
    ascii_marks,
    ascii_word,
    entity,
    hash_of,
    host,
    lone_mark,
    look,
    may_start_url,
    mention,
    plain_word,
    read_word,
    starts_tag,
    starts_url,
    step,
)  # fmt: skip

EDGE = 32  # stands for where a word begins or ends

_GRAM_SEED = np.uint64(0x165667B19E3779F9)
_PAIR_PRIME = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME = np.uint64(0x9FB21C651E98DF25)
_URL, _MENTION = np.uint64(0xA24BAED4963EE407), np.uint64(0x9FB21C651E98DF25)  # the hashes of these two tokens
_HALF, _TAG = np.uint64(32), np.uint64(35)
_ONE, _TWO = np.uint64(1), np.uint64(2)
_AHEAD = 47  # of the 64 bytes looked at, so many may lie behind: then a word of 15 letters and what follows lies before


@tiny_kernel
def _bucket(h, shift):
    return np.uint32((h * _PRIME) >> shift)


@tiny_kernel
def _put_word(ids, n, h, before, pairs, shift, table):
    """Write the bucket of a word, and of its pair with the word before. Gives how many buckets there are now."""
    word, pair = _bucket(h, shift), _bucket((before * _PAIR_PRIME) ^ h, shift)
    fetch(table, word)
    fetch(table, pair)
    put(ids, n, word)
    put(ids, n + 1, pair)
    return n + 1 + (pairs if before != 0 else 0)


@tiny_kernel
def _put_span(found, words, h, begin, end):
    """Note the hash and the bytes of a word, for its n-grams."""
    put(found, 2 * words, h)
    put(found, 2 * words + 1, np.uint64(begin) << _HALF | np.uint64(end))
    return words + 1


@tiny_kernel
def _note(trace, turns, i, n, words, before):
    """Write down how far `hash_words` has got."""
    trace[turns, 0] = i
    trace[turns, 1] = n
    trace[turns, 2] = words
    trace[turns, 3] = 1 if before != 0 else 0


@tight_kernel
def _put_url(data, i, end, ids, n, before, pairs, shift, table, chars):
    """Write the buckets of a URL whose host begins at byte `i`. Gives where it ends, how many there are, and the last hash."""
    n = _put_word(ids, n, _URL, before, pairs, shift, table)
    i, size = host(data, i, end, chars)
    if size == 0:
        return i, n, _URL
    h = hash_of(chars, size, 32)
    return i, _put_word(ids, n, h, _URL, pairs, shift, table), h


@tight_kernel
def hash_words(data, i, end, fold, kinds, pairs, shift, table, chars, found, ids, trace=None):
    """Write the buckets of the words, marks and pairs of `data[i:end]` into `ids`, and hash and bytes of words into `found`.

    Gives how many buckets and how many words there are. `pairs` is 0 or 1; `shift` is 64 less the number of bits of a
    bucket, and `table` has a row for each, which is fetched. Buffers hold: `chars` the text's bytes and four, `found` as
    many rows of two, `ids` three times as many. `data` goes on for `PAST` bytes after `end`.

    Marks stand in no pair; mentions, URLs, emoji and ideographs have no n-grams, so they are not in `found`. A `trace`
    (int64, a row of four for each byte and two more) gets a row after each step, and one of -1 at the end: the byte, how many
    buckets and words there are, and whether a word has stood before. Without one, no code is made for it.
    """
    turns = 0
    n = words = np.int64(0)
    before = np.uint64(0)
    tag = False
    seen = i
    letters, skipped, odd = look(data, i, end)
    while i < end:
        if trace is not None:
            _note(trace, turns, i, n, words, before)
            turns += 1
        if i - seen > _AHEAD:
            seen = i
            letters, skipped, odd = look(data, i, end)
        at = np.uint64(i - seen)
        if letters >> at & _ONE:
            if may_start_url(data, i) and not tag:
                url = starts_url(data, i, end)
                if url > 0:
                    i, n, before = _put_url(data, i + url, end, ids, n, before, pairs, shift, table, chars)
                    continue
            size = zeros_below(~(letters >> at))
            stop = i + size
            if size < 16 and odd >> at & ((_TWO << np.uint64(size)) - _ONE) == 0:
                h = ascii_word(data, i, size)
                space = zeros_below(~(skipped >> (at + np.uint64(size))))
            else:
                stop, h = plain_word(data, i, end)
                space = 0
            if h != 0:
                n = _put_word(ids, n, h, before, pairs, shift, table)
                words = _put_span(found, words, h, i, stop)
                before = h
                if tag:
                    put(ids, n, _bucket(step(h, _TAG), shift))
                    n += 1
                    tag = False
                i = stop + space
                continue
        elif skipped >> at & _ONE:
            i += zeros_below(~(skipped >> at))
            continue
        else:
            sort = STARTS[byte(data, i)]
            if sort == IN_MARKS:
                if (letters | skipped) >> at & _TWO:
                    put(ids, n, _bucket(lone_mark(data, i), shift))
                    n += 1
                    i += 1 + zeros_below(~(skipped >> (at + _ONE)))
                    continue
                stop, h = ascii_marks(data, i, end)
                if h != 0:
                    put(ids, n, _bucket(h, shift))
                    n += 1
                    i = stop
                    continue
            elif sort == AT:
                size = zeros_below(~(letters >> (at + _ONE)))
                stop = i + 1 + size
                if size == 0 or size > 14 or byte(data, stop) == 45 or byte(data, stop) == 46:
                    stop = mention(data, i, end)
                if stop > i:
                    n = _put_word(ids, n, _MENTION, before, pairs, shift, table)
                    before = _MENTION
                    i = stop
                    continue
            elif sort == HASH:
                if starts_tag(data, i, end, kinds):
                    tag = True
                    i += 1
                    if letters >> at & _TWO:
                        continue
            elif sort == AMPERSAND:
                size = entity(data, i, end)
                if size > 0:
                    i += size
                    continue
        stop, kind, h = any_token(data, i, end, fold, kinds, chars)
        if kind == MARK:
            put(ids, n, _bucket(h, shift))
            n += 1
        elif h != 0:
            n = _put_word(ids, n, h, before, pairs, shift, table)
            before = h
            if kind == LETTER or kind == DIGIT:  # noqa: SIM109 - numba compiles this faster
                words = _put_span(found, words, h, i, stop)
                if tag:
                    put(ids, n, _bucket(step(h, _TAG), shift))
                    n += 1
        tag = False
        i = stop
    if trace is not None:
        _note(trace, turns, min(i, end), n, words, before)
        trace[turns + 1] = -1
    return n, words


@tight_kernel
def hash_grams(data, span, fold, kinds, low, high, shift, table, chars, ids):
    """Write the bucket of every n-gram of `low` to `high` characters of one word, its edges counted as characters."""
    _, size = read_word(data, np.int64(span >> _HALF), np.int64(span & np.uint64(0xFFFFFFFF)), fold, kinds, chars)
    n = np.int64(0)
    for start in range(-1, size + 2 - low):
        h = _GRAM_SEED
        for j in range(start, min(start + high, size + 1)):
            h = (h ^ np.uint64(EDGE if j < 0 or j >= size else chars[j])) * _PRIME
            if j - start + 1 >= low:
                bucket = _bucket(h ^ (h >> _HALF), shift)
                fetch(table, bucket)
                put(ids, n, bucket)
                n += 1
    return n


@tight_kernel
def hash_texts(data, offsets, valid, fold, kinds, pairs, low, high, shift, table, chars, found, ids, starts, n):
    """Write the buckets of all texts into `ids` from `n` on, and where each text's words and n-grams begin into `starts`.

    `low` 0 means no n-grams. `starts` has two entries per text and one at the end. Gives where the buckets end.
    """
    for row in range(len(offsets) - 1):
        starts[2 * row] = n
        words = 0
        if valid[row]:
            first, last = np.int64(offsets[row]), np.int64(offsets[row + 1])
            count, words = hash_words(data, first, last, fold, kinds, pairs, shift, table, chars, found, ids[n:])
            n += count
        starts[2 * row + 1] = n
        if low > 0:
            for i in range(words):
                n += hash_grams(data, found[i, 1], fold, kinds, low, high, shift, table, chars, ids[n:])
    starts[2 * (len(offsets) - 1)] = n
    return n
