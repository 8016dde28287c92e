"""Requests as the documents of TensorFlow Serving and KServe show them."""

import pytest

TEXTS = ["the flood comes tonight", "my new phone"]
MODEL = "/v1/models/floods"
LABELS = ["keep", "other"]


def _labels(rows):
    return [row["label"] for row in rows]


@pytest.mark.parametrize(
    "instances",
    [TEXTS, [{"text": text} for text in TEXTS], [[text] for text in TEXTS], [{"b64": "dGhlIGZsb29k"}, {"text": {"b64": "cGhvbmU="}}]],
    ids=["bare", "named", "nested", "binary"],
)  # fmt: skip
def test_instances_are_answered_row_by_row(client, instances):
    said = client.post(f"{MODEL}:predict", json={"signature_name": "serving_default", "instances": instances}).json()
    assert list(said) == ["predictions"]
    assert _labels(said["predictions"]) == LABELS
    assert len(said["predictions"][0]["probabilities"]) == 2


@pytest.mark.parametrize(
    "inputs", [TEXTS, {"text": TEXTS}, {"text": [[text] for text in TEXTS]}], ids=["bare", "named", "nested"]
)
def test_inputs_are_answered_column_by_column_with_what_kserve_wants(client, inputs):
    said = client.post(f"{MODEL}:predict", json={"inputs": inputs}).json()
    assert said["outputs"]["label"] == LABELS
    assert len(said["outputs"]["probabilities"]) == 2
    assert _labels(said["predictions"]) == LABELS


def test_a_version_or_a_label_can_be_named(registry, served):
    with served().client() as client:
        _check_names(client, registry)


def _check_names(client, registry):
    assert client.post(f"{MODEL}/versions/2:predict", json={"instances": TEXTS}).status_code == 200
    assert client.post(f"{MODEL}/labels/champion:predict", json={"instances": TEXTS}).status_code == 200
    assert client.post(f"{MODEL}/labels/nobody:predict", json={"instances": TEXTS}).status_code == 404
    registry.move("challenger", 2, who="test", why="tried")
    assert client.get(f"{MODEL}/labels/challenger").json()["model_version_status"][0]["version"] == "2"


def test_examples_are_classified_and_regressed(client):
    body = {"context": {"text": TEXTS[0]}, "examples": [{}, {"text": TEXTS[1]}]}
    classified = client.post(f"{MODEL}:classify", json=body).json()["results"]
    assert [row[0][0] for row in classified] == LABELS
    assert all(first >= second for (_, first), (_, second) in classified)
    regressed = client.post(f"{MODEL}:regress", json=body).json()["results"]
    assert regressed == pytest.approx([dict(row)["keep"] for row in classified])


def test_the_status_says_what_both_protocols_want(client):
    said = client.get(MODEL).json()
    status = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert said == {"model_version_status": [status], "name": "floods", "ready": True}
    assert client.get(f"{MODEL}/versions/2").json()["model_version_status"][0]["version"] == "2"
    assert [each["version"] for each in client.get(MODEL).json()["model_version_status"]] == ["2", "1"]
    assert client.get("/v1/models").json() == {"models": ["floods"]}


def test_the_metadata_describes_the_signature(client):
    said = client.get(f"{MODEL}/metadata").json()
    assert said["model_spec"] == {"name": "floods", "signature_name": "", "version": "1"}
    signature = said["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["text"]["dtype"] == "DT_STRING"
    assert signature["outputs"]["probabilities"]["tensor_shape"]["dim"] == [
        {"size": "-1", "name": ""},
        {"size": "2", "name": ""},
    ]


def test_kserve_explains(client):
    said = client.post(f"{MODEL}:explain", json={"instances": TEXTS}).json()
    assert len(said["predictions"]) == len(said["explanations"]) == 2
    assert said["explanations"][0]["tokens"]


def test_the_path_is_read_in_any_case(client):
    assert client.post(f"{MODEL}:Predict", json={"instances": TEXTS}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("floods:predict", {}, 400),
        ("floods:predict", {"instances": TEXTS, "inputs": TEXTS}, 400),
        ("floods:predict", {"instances": "a"}, 400),
        ("floods:predict", {"instances": [1.5]}, 400),
        ("floods:predict", {"instances": [None]}, 400),
        ("floods:predict", {"instances": [{"txt": "a"}]}, 400),
        ("floods:predict", {"instances": [{"text": {"b64": "&&&"}}]}, 400),
        ("floods:predict", {"instances": [[["a"]]]}, 400),
        ("floods:predict", {"inputs": {"other": ["a"]}}, 400),
        ("floods:predict", {"instances": ["a"], "signature_name": "no"}, 400),
        ("floods:predict", [], 400),
        ("floods:classify", {"examples": [5]}, 400),
        ("floods:classify", {}, 400),
        ("floods:explain", {}, 400),
        ("floods:fly", {}, 400),
        ("floods", {}, 405),
        ("half:predict", {"instances": ["a"]}, 404),
        ("floods/versions/9:predict", {"instances": ["a"]}, 404),
        ("floods/versions/99999999999999999999999:predict", {"instances": ["a"]}, 404),
        ("floods/versions/x:predict", {"instances": ["a"]}, 404),
        ("floods/versions/1/labels/champion:predict", {"instances": ["a"]}, 404),
    ],
)
def test_what_is_wrong_is_said_as_the_protocol_says_it(client, path, body, status):
    answer = client.post(f"/v1/models/{path}", json=body)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


def test_an_unknown_model_is_no_servable(client):
    assert client.get("/v1/models/half").json() == {"error": "Servable not found for request: Latest(half)"}
    assert client.get("/v1/models/half/versions/3").json() == {"error": "Servable not found for request: Specific(half, 3)"}
