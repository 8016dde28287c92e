"""Bodies that come compressed: unpacked up to the bound of plain ones, and never trusted."""

import gzip
import json
import zlib

import numpy as np
import pytest

TEXT = "the flood comes tonight"
ASK = json.dumps({"text": TEXT}).encode()
BOMB = gzip.compress(b'{"text": "' + b"a" * 50_000_000 + b'"}')


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(ASK)),
        ("GZIP", gzip.compress(ASK[:9]) + gzip.compress(ASK[9:])),
        ("deflate", zlib.compress(ASK)),
        ("identity", ASK),
    ],
    ids=["gzip", "two members", "deflate", "identity"],
)
def test_a_packed_body_is_answered_as_a_plain_one(client, coding, body):
    answer = client.post("/predict", content=body, headers={"content-encoding": coding})
    assert (answer.status_code, answer.json()["label"]) == (200, "keep")


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", b"no gzip", 400),
        ("gzip", gzip.compress(ASK)[:-6], 400),
        ("gzip", gzip.compress(ASK) + b"rest", 400),
        ("gzip", gzip.compress(b"\xff"), 400),
        ("gzip", b"", 400),
        ("gzip", BOMB, 413),
        ("gzip", b"a" * 17_000_000, 413),
        ("br", ASK, 415),
        ("gzip, gzip", gzip.compress(gzip.compress(ASK)), 415),
    ],
    ids=["none", "cut", "rest", "bytes", "empty", "bomb", "large", "brotli", "twice"],
)
@pytest.mark.parametrize(
    ("path", "keys"),
    [("/predict", ["error"]), ("/v2/models/floods/infer", ["error"]), ("/invocations", ["error_code", "message"])],
)
def test_what_does_not_unpack_is_refused_as_the_protocol_says_it(client, path, keys, coding, body, status):
    answer = client.post(path, content=body, headers={"content-encoding": coding, "content-type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (status, keys)
    assert (answer.headers.get("accept-encoding") is not None) == (status == 415)


def test_a_packed_body_goes_through_over_a_port(running):
    import httpx

    _, (host, port) = running()
    for coding, body in (("gzip", gzip.compress(ASK)), ("br", ASK)):
        answer = httpx.post(f"http://{host}:{port}/predict", content=body, headers={"content-encoding": coding})
        assert answer.status_code == (200 if coding == "gzip" else 415)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_tritons_client_may_compress(running, coding):
    triton = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")
    _, (host, port) = running()
    client = triton.InferenceServerClient(f"{host}:{port}")
    tensor = triton.InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([TEXT], dtype=object))
    packed = {"request_compression_algorithm": coding, "response_compression_algorithm": coding}
    assert client.infer("floods", [tensor], **packed).as_numpy("label").tolist() == [b"keep"]
    client.close()
