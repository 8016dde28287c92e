"""MLflow's scoring server and SageMaker's container contract."""

import io

import polars as pl
import pytest

TEXTS = ["the flood comes tonight", "my new phone"]


def _labels(answer):
    return [row["label"] for row in answer.json()["predictions"]]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["id", "text"], "data": [[1, TEXTS[0]], [2, TEXTS[1]]], "index": [0, 1]}},
        {"dataframe_split": {"columns": ["tweet"], "data": [[text] for text in TEXTS]}},
        {"dataframe_records": [{"text": text, "id": 1} for text in TEXTS]},
        {"inputs": {"text": TEXTS}},
        {"inputs": TEXTS},
        {"instances": [{"text": text} for text in TEXTS], "params": {"anything": 1}},
        {"instances": TEXTS},
    ],
    ids=lambda body: next(iter(body)),
)
def test_json_is_answered_with_records(client, body):
    answer = client.post("/invocations", json=body)
    assert _labels(answer) == ["keep", "other"]
    assert set(answer.json()["predictions"][0]["probabilities"]) == {"keep", "other"}


def test_tables_are_answered(client):
    table = pl.DataFrame({"n": [1, 2], "text": TEXTS})
    kinds = {"text/csv": table.write_csv().encode(), "text/csv; charset=utf-8": b'\xef\xbb\xbftext\n"the\nflood"\nphone\n'}
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    kinds["application/vnd.apache.parquet"] = buffer.getvalue()
    for kind, content in kinds.items():
        assert _labels(client.post("/invocations", content=content, headers={"content-type": kind})) == ["keep", "other"]


def test_mlflows_own_client_is_understood(running):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    client = pytest.importorskip("mlflow.pyfunc.scoring_server.client", reason="a whole MLflow is not installed")
    _, (host, port) = running()
    scoring = client.ScoringServerClient(host, port)
    scoring.wait_server_ready(30)
    found = scoring.invoke(pandas.DataFrame({"text": TEXTS})).get_predictions()
    assert found["label"].tolist() == ["keep", "other"]


def test_the_probes_say_whether_there_is_a_model(client):
    for path in ("/ping", "/health"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "\n")
    assert client.get("/version").text[0].isdigit()


def test_without_a_model_the_probe_fails(store, served):
    with served().client() as client:
        assert client.get("/ping").status_code == 404
        answer = client.post("/invocations", json={"instances": ["a"]})
        assert (answer.status_code, answer.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")


@pytest.mark.parametrize(
    "body",
    [
        {}, [], ["a"], {"instances": ["a"], "inputs": ["a"]}, {"dataframe_split": {"columns": ["a", "b"], "data": [["x", "y"]]}},
        {"dataframe_split": {"columns": ["text"], "data": [["x", "y"]]}}, {"dataframe_split": {"columns": [], "data": []}},
        {"dataframe_split": []}, {"dataframe_records": [{"txt": "a"}]}, {"dataframe_records": [{"text": None}]}, {"instances": 5},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_said_as_mlflow_says_it(client, body):
    answer = client.post("/invocations", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST")
    assert answer.json()["message"]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json; charset=latin-1", "application/x-parquet"])
def test_other_types_are_refused(client, kind):
    assert client.post("/invocations", content=b"{}", headers={"content-type": kind}).status_code == 415


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/csv", b""), ("text/csv", b"a,b\n1,2\n"), ("text/csv", b"\xff\xfe"), ("text/csv", b"text,b\n1\n"),
     ("application/vnd.apache.parquet", b"PAR1"), ("application/vnd.apache.parquet", b"PAR1" + b"\0" * 100 + b"PAR1")],
)  # fmt: skip
def test_tables_that_are_none_are_refused(client, kind, body):
    assert client.post("/invocations", content=body, headers={"content-type": kind}).status_code == 400


def test_a_small_file_of_long_texts_is_refused(client):
    buffer = io.BytesIO()
    pl.DataFrame({"text": ["a" * 1_000_000] * 1_000}).write_parquet(buffer)
    answer = client.post("/invocations", content=buffer.getvalue(), headers={"content-type": "application/vnd.apache.parquet"})
    assert answer.status_code == 413
