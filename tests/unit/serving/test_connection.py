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
