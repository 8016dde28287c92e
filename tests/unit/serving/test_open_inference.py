"""The Open Inference Protocol, as its documents show it and as Triton's own client speaks it."""

import asyncio

import httpx
import numpy as np
import pytest

TEXTS = ["the flood comes tonight", "my new phone"]
INFER = "/v2/models/floods/infer"


def _ask(**changes):
    return {"inputs": [{"name": "text", "shape": [2], "datatype": "BYTES", "data": TEXTS, **changes}]}


def test_texts_are_answered_with_tensors(client):
    said = client.post(INFER, json={"id": "42", **_ask()}).json()
    assert (said["model_name"], said["model_version"], said["id"]) == ("floods", "1", "42")
    label, probability, probabilities = said["outputs"]
    assert label == {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["keep", "other"]}
    assert (probability["datatype"], probability["shape"]) == ("FP32", [2])
    assert (probabilities["shape"], len(probabilities["data"])) == ([2, 2], 4)


def test_data_may_be_nested_or_in_base64_and_outputs_chosen(client):
    ask = _ask(shape=[2, 1], data=[[text] for text in TEXTS])
    said = client.post(INFER, json={**ask, "outputs": [{"name": "label"}]}).json()
    assert [output["data"] for output in said["outputs"]] == [["keep", "other"]]
    coded = _ask(shape=[1], data=["dGhlIGZsb29k"], parameters={"content_type": "base64"})
    assert client.post("/v2/models/floods/versions/2/infer", json=coded).json()["model_version"] == "2"


def test_an_id_is_made_when_none_is_given(client):
    assert client.post(INFER, json=_ask()).json()["id"]


def test_the_server_and_the_model_describe_themselves(client):
    assert client.get("/v2").json() == client.get("/v2/").json()
    assert "binary_tensor_data" in client.get("/v2").json()["extensions"]
    said = client.get("/v2/models/floods").json()
    assert (said["name"], said["versions"]) == ("floods", ["1"])
    assert said["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert client.get("/v2/models/floods/ready").json() == {"name": "floods", "ready": True}
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").status_code == 200


def test_versions_are_loaded_listed_and_unloaded(client):
    load = {"parameters": {"version": "2"}}
    assert client.post("/v2/repository/models/floods/load", json=load).status_code == 200
    assert [each["version"] for each in client.post("/v2/repository/index").json()] == ["1", "2"]
    assert client.post("/v2/repository/models/floods/unload", json=load).status_code == 200
    assert [each["version"] for each in client.post("/v2/repository/index", json={"ready": True}).json()] == ["1"]
    assert client.post("/v2/repository/models/floods/unload").status_code == 409
    assert client.post("/v2/repository/models/other/load").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"inputs": []}, {"inputs": [{"name": "text"}]}, _ask(shape=[3]), _ask(shape=[-2]), _ask(shape=[1, 2]), _ask(shape=[]),
        _ask(shape=["2"]), _ask(datatype="FP32"), _ask(datatype="INT8", data=[1, 2]), _ask(data=[1, 2]), _ask(data=None), _ask(data="ab"),
        _ask(name="other"), _ask(shape=[10**30]), _ask(parameters={"binary_data_size": 4}), _ask(parameters={"binary_data_size": "x"}),
        _ask(parameters={"content_type": "base64"}, data=["&&", "a"]), {**_ask(), "outputs": [{"name": "none"}]},
        {**_ask(), "outputs": [{"name": "label", "parameters": {"classification": 2}}]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_said_as_the_protocol_says_it(client, body):
    answer = client.post(INFER, json=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("body", [b'{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":[NaN]}]}', b"\xff", b""])
def test_what_is_no_json_is_refused(client, body):
    assert client.post(INFER, content=body).status_code == 400


@pytest.mark.parametrize(("size", "body"), [("5", b"{}"), ("x", b"{}"), ("-1", b"{}"), ("2", b"{}abc"), ("1" * 5000, b"{}")])
def test_a_binary_body_of_the_wrong_size_is_refused(client, size, body):
    answer = client.post(INFER, content=body, headers={"inference-header-content-length": size})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_a_binary_tensor_that_ends_early_is_refused(client):
    head = b'{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}}]}'
    answer = client.post(
        INFER, content=head + b"\xff\xff\xff\x7fa", headers={"inference-header-content-length": str(len(head))}
    )
    assert answer.json() == {"error": "the binary tensor ends in the middle of an element"}


def test_a_body_without_json_is_one_text(client):
    answer = client.post(INFER, content=TEXTS[0].encode(), headers={"inference-header-content-length": "0"})
    assert answer.json()["outputs"][0]["data"] == ["keep"]


def test_unknown_models_and_versions_are_refused(client):
    for path in ("/v2/models/other", "/v2/models/floods/versions/9", "/v2/models/floods/versions/none/ready"):
        assert client.get(path).status_code == 404
    assert client.post("/v2/models/other/infer", json=_ask()).status_code == 404


@pytest.fixture
def triton():
    return pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")


@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_is_understood(running, triton, binary):
    _, (host, port) = running()
    client = triton.InferenceServerClient(f"{host}:{port}")
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("floods")
    assert client.is_model_ready("floods", "2") and not client.is_model_ready("floods", "9")
    assert client.get_server_metadata()["name"] == "goldstream"
    assert client.get_model_metadata("floods")["inputs"][0]["datatype"] == "BYTES"
    tensor = triton.InferInput("text", [2], "BYTES")
    tensor.set_data_from_numpy(np.array(TEXTS, dtype=object), binary_data=binary)
    wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("label", "probability", "probabilities")]
    found = client.infer("floods", [tensor], outputs=wanted, request_id="7")
    labels = [label.decode() if isinstance(label, bytes) else label for label in found.as_numpy("label")]
    assert labels == ["keep", "other"]
    assert found.as_numpy("probabilities").shape == (2, 2)
    assert found.get_response()["id"] == "7"
    everything = client.infer("floods", [tensor])
    assert everything.as_numpy("probabilities").sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    client.load_model("floods", config=None)
    assert client.get_model_repository_index()[0]["state"] == "READY"
    with pytest.raises(Exception, match="no model 'other'"):
        client.infer("other", [tensor])
    client.close()


def test_tritons_classification_gives_the_best_labels(running, triton):
    _, (host, port) = running()
    client = triton.InferenceServerClient(f"{host}:{port}")
    tensor = triton.InferInput("text", [2, 1], "BYTES")
    tensor.set_data_from_numpy(np.array(TEXTS, dtype=object).reshape(2, 1))
    found = client.infer("floods", [tensor], outputs=[triton.InferRequestedOutput("probabilities", class_count=1)])
    assert [value.decode().split(":")[1:] for value in found.as_numpy("probabilities")[:, 0]] == [["0", "keep"], ["1", "other"]]
    client.close()


def test_requests_in_both_forms_at_once(running):
    _, (host, port) = running()

    async def ask() -> list[int]:
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
            answers = await asyncio.gather(*(client.post(INFER, json=_ask()) for _ in range(50)))
            return [answer.status_code for answer in answers]

    assert set(asyncio.run(ask())) == {200}
