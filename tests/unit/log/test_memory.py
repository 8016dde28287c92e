"""The log in memory keeps what every log promises."""

from goldstream.checks import check_log
from goldstream.log.memory import MemoryLog
from goldstream.records import Post, to_columns


def test_the_memory_log_keeps_every_promise_of_a_log():
    check_log(MemoryLog)


def test_what_was_trimmed_is_stepped_over_and_the_gap_shows():
    log = MemoryLog()
    for number in range(3):
        log.append(to_columns([Post(id=f"a:{number}", source="a")]), "a", None)
    assert log.trim(before=2) == 2
    part = next(iter(log.read(0, 0, 10)))
    assert (part.start, part.positions.tolist(), part.end) == (0, [2], 3)
    assert log.extents()[0] == (2, 3)
