"""What goes the short way gets the answer that it would get on the long one."""

import json
import socket
import time

import pytest

OK = json.dumps({"text": "the flood comes tonight"}).encode()
ASKED = {
    "a text": (OK, {}),
    "several": (json.dumps({"texts": ["a flood", "a cat"] * 40}).encode(), {}),
    "none": (b'{"texts": []}', {}),
    "no JSON": (b'{"text": ', {}),
    "both": (b'{"text": "a", "texts": []}', {}),
    "nothing": (b"", {}),
    "its own id": (OK, {"x-request-id": "mine-1"}),
    "another name": (OK, {"host": "evil.example"}),
    "another site": (OK, {"origin": "https://evil.example"}),
    "a site that may": (OK, {"origin": "https://good.example"}),
}


def ask(port: tuple[str, int], body: bytes, headers: dict[str, str], *, chunked: bool, more: bytes = b"") -> bytes:
    """Everything that is answered until the server closes or falls silent."""
    named = {"host": "127.0.0.1:1", "connection": "close"} | headers
    named["transfer-encoding" if chunked else "content-length"] = "chunked" if chunked else str(len(body))
    head = "POST /predict HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items()) + "\r\n"
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked and body else b"0\r\n\r\n" if chunked else body
    with socket.create_connection(port, timeout=30) as client:
        client.sendall(head.encode() + sent + more)
        found = b""
        while part := client.recv(65_536):
            found += part
    return found


def parsed(answer: bytes) -> tuple[str, dict[str, str], object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    headers.pop("content-length")
    if not headers["x-request-id"].startswith("mine"):
        headers.pop("x-request-id")
    found = json.loads(body)
    for each in [found, *found.get("predictions", [])]:
        each.pop("prediction_id", None)
        each.pop("elapsed_seconds", None)
    return first, headers, found


@pytest.fixture
def port(running) -> tuple[str, int]:
    return running(**{"cors-origins": ["https://good.example"]})[1]


def test_the_short_way_and_the_long_one_answer_alike(port):
    for name, (body, headers) in ASKED.items():
        short, long = (parsed(ask(port, body, headers, chunked=chunked)) for chunked in (False, True))
        assert short == long, name


def test_a_request_that_does_not_wait_for_the_last_answer_is_answered_after_it(port):
    second = b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(OK), OK)
    found = ask(port, OK, {"connection": "keep-alive"}, chunked=False, more=second)
    assert found.count(b"HTTP/1.1 200") == 2
    assert found.count(b'"label":"keep"') == 2


def test_a_body_that_comes_in_pieces_is_put_together(port):
    body = json.dumps({"texts": ["a flood " * 20] * 1_000}).encode()
    assert len(body) > 2 * 65_536
    with socket.create_connection(port, timeout=30) as client:
        client.sendall(
            b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        for start in range(0, len(body), 50_000):
            client.sendall(body[start : start + 50_000])
        found = b""
        while part := client.recv(1 << 20):
            found += part
    assert len(parsed(found)[2]["predictions"]) == 1_000


def test_a_client_that_goes_away_before_its_answer_harms_nobody(port):
    for _ in range(20):
        with socket.create_connection(port, timeout=30) as client:
            client.sendall(b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:1\r\ncontent-length: %d\r\n\r\n%b" % (len(OK), OK))
    assert parsed(ask(port, OK, {}, chunked=False))[0] == "HTTP/1.1 200 OK"


def test_a_head_that_comes_before_its_body_is_not_taken_for_another_one(port):
    head = b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:1\r\ncontent-length: %d\r\n\r\n"
    for body, more in ((b"}" + OK[1:], head % 0), (OK, b"")):
        with socket.create_connection(port, timeout=30) as client:
            client.sendall(head % len(OK))
            time.sleep(0.05)
            client.sendall(body + more)
            assert client.recv(65_536).startswith(b"HTTP/1.1 200" if body == OK else b"HTTP/1.1 400")


def post(body: bytes, *headers: str) -> bytes:
    lines = ["POST /predict HTTP/1.1", "host: 127.0.0.1:1", *headers, f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def talk(port: tuple[str, int], *packets: bytes) -> list[bytes]:
    """The answer to each packet, sent one after the other on one connection."""
    found = []
    with socket.create_connection(port, timeout=30) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for packet in packets:
            client.sendall(packet)
            answer = client.recv(1 << 20)
            while not answer.endswith(b"}"):
                answer += client.recv(1 << 20)
            found.append(answer)
    return found


def test_a_head_that_was_read_before_changes_nothing_but_the_way(port):
    flood, phone = b'{"text": "the flood comes tonight"}', b'{"text": "my new phone, tonight !!!"}'
    assert len(flood) == len(phone) - 2
    phone = phone.replace(b"!!!", b"!")
    answers = talk(port, *[post(flood), post(phone)] * 3, post(b"{" * len(flood)), post(flood))
    assert [answer.split()[1] for answer in answers] == [b"200"] * 6 + [b"400", b"200"]
    said = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers]
    assert [each.get("label") for each in said] == ["keep", "other"] * 3 + [None, "keep"]
    ids = [answer.partition(b"x-request-id: ")[2].split(b"\r\n")[0] for answer in answers]
    assert len(set(ids)) == 8


def test_a_known_head_may_come_in_pieces_and_with_others_behind_it(port):
    whole = post(OK)
    with socket.create_connection(port, timeout=30) as client:
        client.sendall(whole)
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        for start in range(0, len(whole), 7):
            client.sendall(whole[start : start + 7])
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
    health = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1:1\r\nconnection: close\r\n\r\n"
    found = ask(port, OK, {"connection": "keep-alive"}, chunked=False, more=whole + b"\r\n" + whole + health)
    assert found.count(b"HTTP/1.1 200") == 4
    assert found.count(b'"label":"keep"') == 3


def test_what_looks_like_the_end_of_a_head_is_a_body(port):
    body = b'{"text":\r\n\r\n"the flood comes tonight"}'
    answers = talk(port, post(body), post(body), b"\r\n" + post(body), post(body))
    assert [answer.split()[1] for answer in answers] == [b"200"] * 4


def test_each_request_shows_its_own_key(running, monkeypatch):
    monkeypatch.setenv("KEY", "right")
    _, port = running(**{"api-keys": [{"env": "KEY"}]})
    right, wrong, none = post(OK, "authorization: Bearer right"), post(OK, "authorization: Bearer wrong"), post(OK)
    answers = talk(port, right, wrong, right, none, wrong, none, right)
    assert [answer.split()[1] for answer in answers] == [b"200", b"401", b"200", b"401", b"401", b"401", b"200"]


def test_the_pace_is_kept_by_known_heads_too(running):
    _, port = running(**{"requests-per-second": 2})
    answers = talk(port, *[post(OK)] * 6)
    assert [answer.split()[1] for answer in answers] == [b"200"] * 4 + [b"429"] * 2


def test_without_batching_requests_in_one_packet_are_answered_in_their_order(running):
    _, port = running(batching=False)
    asks = [post(OK, f"x-request-id: {number}") for number in range(30)] + [post(OK, "x-request-id: last", "connection: close")]
    asks.append(post(OK, "x-request-id: never"))
    with socket.create_connection(port, timeout=30) as client:
        client.sendall(b"".join(asks))
        found = b""
        while part := client.recv(1 << 20):
            found += part
    ids = [part.split(b"\r\n", 1)[0].decode() for part in found.split(b"x-request-id: ")[1:]]
    assert ids == [*map(str, range(30)), "last"]
