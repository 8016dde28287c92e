"""Requests that mean ill, over a real port: always an answer in the protocol's own shape, never a stack trace, never a hang."""

import json
import socket

import httpx
import pytest

TEXT = "the flood comes tonight"
OURS = "/predict"
TFS, KSERVE, V2, MLFLOW = "/v1/models/floods:predict", "/v1/models/floods:explain", "/v2/models/floods/infer", "/invocations"
KEYS = {MLFLOW: ["error_code", "message"]}


@pytest.fixture
def port(running):
    return running(**{"body-timeout-s": 1, "max-body-mb": 1})[1]


def _raw(port, data: bytes, *, half_closed: bool = False) -> bytes:
    """What comes back for these bytes, until the server closes or has nothing more to say."""
    with socket.create_connection(port, timeout=30) as connection:
        connection.sendall(data)
        if half_closed:
            connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def _post(path: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-type: application/json", *headers]
    size = len(body) if length is None else length
    return "\r\n".join([*lines, f"content-length: {size}", "", ""]).encode() + body


def _is_refused(answer: bytes, path: str, *statuses: int) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) in statuses, answer
    assert list(json.loads(body)) == KEYS.get(path, ["error"]), answer
    assert b"Traceback" not in answer and b'File \\"' not in answer


BODIES = {
    "nothing": b"",
    "cut": b'{"instances": ["a',
    "nan": b'{"instances": [NaN], "inputs": [Infinity]}',
    "not utf-8": b'{"instances": ["\xff\xfe"]}',
    "utf-16": '{"instances": ["a"]}'.encode("utf-16"),
    "half a pair": b'{"instances": ["\\ud800"]}',
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"instances":' * 100_000,
    "deep inside": b'{"instances": [' + b"[" * 5_000 + b"]" * 5_000 + b"]}",
    "another type": b'"text"',
    "numbers": b'{"instances": [1e999, -1, true, null]}',
    "nul": b'{"instances": "\x00"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("path", [OURS, TFS, KSERVE, V2, MLFLOW])
def test_a_body_that_is_none(client, path, body):
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert list(answer.json()) == KEYS.get(path, ["error"])
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", [OURS, TFS, V2, MLFLOW])
def test_a_hundred_megabytes(port, path):
    host, number = port
    answer = httpx.post(
        f"http://{host}:{number}{path}",
        content=(b"a" * 1_000_000 for _ in range(100)),
        headers={"content-type": "text/csv"},
        timeout=60,
    )
    assert answer.status_code == 413
    assert list(answer.json()) == KEYS.get(path, ["error"])


@pytest.mark.parametrize("path", [OURS, TFS, V2, MLFLOW])
def test_a_body_that_never_comes(port, path):
    _is_refused(_raw(port, _post(path, b'{"te', length=50)), path, 408)


@pytest.mark.parametrize("path", [OURS, MLFLOW])
def test_headers_that_never_end(port, path):
    _is_refused(_raw(port, f"POST {path} HTTP/1.1\r\nhost: localhost\r\n".encode()), path, 408)


@pytest.mark.parametrize("path", [OURS, TFS, V2, MLFLOW])
def test_a_client_that_closes_its_half_is_answered(port, path):
    body = json.dumps({"text": TEXT} if path == OURS else {"instances": [TEXT]} if path != V2 else {"inputs": [
        {"name": "text", "shape": [1], "datatype": "BYTES", "data": [TEXT]},
    ]}).encode()  # fmt: skip
    assert _raw(port, _post(path, body), half_closed=True).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(running):
    port = running()[1]
    for half_closed in (True, False):
        for cut in (20, 90, 120):
            with socket.create_connection(port) as connection:
                connection.sendall(_post(OURS, json.dumps({"text": TEXT}).encode())[:cut])
                if half_closed:
                    connection.shutdown(socket.SHUT_WR)
                    assert connection.recv(65_536)[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 408")
    assert httpx.post(f"http://{port[0]}:{port[1]}{OURS}", json={"text": TEXT}).status_code == 200


def test_requests_in_one_packet_are_answered_in_their_order(port):
    asks = [
        _post(OURS, b'{"text": "a flood"}', "x-request-id: 1"), b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx-request-id: 2\r\n\r\n",
        _post(OURS, b"{", "x-request-id: 3"), _post(V2, b"{}", "x-request-id: 4"),
        _post(OURS, b'{"texts": ["a", "b"]}', "x-request-id: 5", "connection: close"),
    ]  # fmt: skip
    answers = _raw(port, b"".join(asks)).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"200", b"200", b"400", b"400", b"200"]
    assert [f"x-request-id: {number}".encode() in answer for number, answer in enumerate(answers, 1)] == [True] * 5


@pytest.mark.parametrize("body", [b'{"text": "a"}', json.dumps({"texts": [TEXT] * 1_000}).encode()], ids=["short", "long"])
def test_a_client_that_never_reads_its_answers_is_left(port, body):
    asks = _post(OURS, body) * (20_000_000 // len(body))  # far more than the network holds
    with socket.create_connection(port, timeout=30) as connection, pytest.raises(ConnectionError):
        connection.sendall(asks)
    assert httpx.post(f"http://{port[0]}:{port[1]}{OURS}", json={"text": TEXT}).status_code == 200


def test_many_requests_at_once_are_all_answered_in_their_order(port):
    asks = [b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx-request-id: %d\r\n\r\n" % number for number in range(2_000)]
    answer = _raw(port, b"".join(asks) + _post(OURS, b'{"text": "a"}', "connection: close"))
    assert answer.count(b"HTTP/1.1 200") == 2_001
    found = [int(part.split(b"\r\n", 1)[0]) for part in answer.split(b"x-request-id: ")[1:-1]]
    assert found == list(range(2_000))


def test_what_is_no_http_behind_a_request_does_not_keep_it_from_its_answer(port):
    answer = _raw(port, _post(OURS, b'{"text": "a flood"}') + b"\x16\x03 nonsense\r\n\r\n")
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\r\n \r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n{}",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"POST /predict HTTP/1.1\r\nhost localhost\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: %b2\r\n\r\n{}" % (b"0" * 5_000),
        b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["tls", "blank", "no address", "version", "negative", "two lengths", "smuggled", "chunks", "header", "two hosts", "zeros",
         "connect", "http/2"],
)  # fmt: skip
def test_what_is_no_http_is_refused_in_json(port, data):
    answer = _raw(port, data)
    _is_refused(answer, "", 400, 408, 505)
    assert b"\r\nx-request-id: " in answer


@pytest.mark.parametrize("path", [OURS, TFS])
@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
def test_who_would_like_another_protocol_is_answered_in_this_one(port, path, upgrade):  # as Java's client and curl --http2 do
    body = json.dumps({"text": TEXT} if path == OURS else {"instances": [TEXT]}).encode()
    ask = _post(path, body, f"upgrade: {upgrade}", "connection: Upgrade, HTTP2-Settings", "http2-settings: AAMAAABkAAQAAP__")
    assert _raw(port, ask + _post(path, body, "connection: close")).count(b"HTTP/1.1 200 OK") == 2


def test_headers_behind_a_body_are_dropped_and_bounded(port):
    head = b"POST /predict HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    body = b'd\r\n{"text": "a"}\r\n0\r\n'
    answer = _raw(port, head + body + b"x-request-id: behind\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK") and b"behind" not in answer
    _is_refused(_raw(port, head + body + b"x: " + b"y" * 68_000), OURS, 431)


@pytest.mark.parametrize("version", ["0", "-1", "1.5", "9" * 30, "9" * 5_000, "nobody", "%D9%A1", "1%00", "%20"])
@pytest.mark.parametrize(
    "path",
    ["/versions/{}/predict", "/versions/{}/explain", "/v1/models/floods/versions/{}:predict", f"{V2[:17]}/versions/{{}}/infer"],
)
def test_versions_that_are_none(client, path, version):
    body = (
        {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [TEXT]}]}
        if path.startswith("/v2")
        else {"instances": [TEXT]}
    )
    answer = client.post(path.format(version), json=body if path.startswith("/v") and path[2] in "12" else {"text": TEXT})
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


@pytest.mark.parametrize(
    "target", ["/%00", "/..%2f..%2fetc/passwd", "/%ff%fe", "/v1/models/%2e%2e", "/predict/", "//predict", "*"]
)
def test_odd_addresses_are_not_there(port, target):
    _is_refused(_raw(port, f"GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode()), "", 404, 400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", OURS, 405), ("PUT", OURS, 405),
        ("DELETE", "/predictions", 405), ("GET", V2, 405), ("GET", TFS, 405), ("PATCH", MLFLOW, 405),
        ("POST", "/v2", 405), ("POST", "/ping", 405), ("POST", "/livez", 405), ("TRACE", OURS, 405), ("BREW", MLFLOW, 405),
        ("POST", "/v2/models/nobody/infer", 404), ("POST", "/v1/models/nobody:predict", 404), ("POST", "/versions/99/predict", 404),
        ("POST", "/v2/models/floods/versions/99/infer", 404), ("POST", "/invocations/more", 404),
    ],
)  # fmt: skip
def test_wrong_methods_and_unknown_models(client, method, path, status):
    body = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [TEXT]}], "instances": [TEXT], "text": TEXT}
    answer = client.request(method, path, json=body if "v1" not in path else {"instances": [TEXT]})
    assert answer.status_code == status
    assert list(answer.json()) == (KEYS[MLFLOW] if path in (MLFLOW, "/ping") else ["error"])
    assert status != 405 or answer.headers["allow"]


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/json; charset=latin-1", "multipart/form-data; boundary=x", "a" * 4_000]
)
def test_a_wrong_content_type(client, kind):
    answer = client.post(MLFLOW, content=b'{"instances": ["a"]}', headers={"content-type": kind})
    assert (answer.status_code, list(answer.json())) == (415, KEYS[MLFLOW])


def test_of_two_equal_keys_the_last_counts(client):
    assert client.post(OURS, content=b'{"text": "my new phone", "text": "the flood comes tonight"}').json()["label"] == "keep"


@pytest.mark.parametrize(
    "header", ["x-a: " + "b" * 70_000, "\r\n".join(f"x-{n}: b" for n in range(9_000))], ids=["long", "many"]
)
def test_too_much_of_a_head(port, header):
    _is_refused(_raw(port, f"GET /livez HTTP/1.1\r\nhost: localhost\r\n{header}\r\n\r\n".encode()), "", 431)
