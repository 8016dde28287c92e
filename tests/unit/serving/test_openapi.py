"""The document says what the service does: a stranger's requests, made up from it, get what it promises."""

import html
import re
import shlex

import httpx
import hypothesis
import schemathesis


def test_every_reference_leads_somewhere(client):
    said = client.get("/openapi.json").json()
    found = []

    def look(value):
        if isinstance(value, dict):
            found.extend([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
            for each in value.values():
                look(each)
        if isinstance(value, list):
            for each in value:
                look(each)

    look(said)
    assert {reference.rsplit("/", 1)[1] for reference in found} <= set(said["components"]["schemas"])
    assert said["openapi"] == "3.1.0"


def test_every_address_is_in_the_document(client):
    said = client.get("/openapi.json").json()["paths"]
    for route in client.app.routes:
        found = [methods for path, methods in said.items() if route.path_regex.match(path) or route.path == f"{path}/"]
        assert {method.lower() for method in route.methods or ()} - {"head"} <= set().union(*found), route.path


def test_of_an_address_all_methods_are_named(client):
    assert client.delete("/predictions").headers["allow"] == "GET, HEAD, POST"
    assert client.delete("/v1/models/floods:predict").headers["allow"] == "POST"


def test_the_page_needs_nothing_from_elsewhere(client):
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert "/v2/models/floods/infer" in answer.text
    assert "src=" not in answer.text and "://" not in answer.text.replace("http://127.0.0.1:8322", "")


def test_requests_made_up_from_the_document_get_what_it_promises(running):
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    _, (host, port) = running(**{"store-predictions": False})
    httpx.post(f"http://{host}:{port}/explain", json={"text": "a"}, timeout=120)  # the first one compiles
    schema = schemathesis.openapi.from_url(f"http://{host}:{port}/openapi.json")

    loose = [positive_data_acceptance]  # that a shape fits its data is more than a schema can say
    for operation in schema.get_all_operations():

        @hypothesis.settings(
            max_examples=6, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck), derandomize=True,
            phases=[hypothesis.Phase.generate],
        )  # fmt: skip
        @hypothesis.given(case=operation.ok().as_strategy())
        def ask(case):
            answer = case.call()
            assert answer.status_code != 500, answer.text
            case.validate_response(answer, excluded_checks=loose if case.path.endswith("/infer") else [])

        ask()


def test_every_command_on_the_page_gets_an_answer(client):
    commands = re.findall(r"<pre>(curl [^\n<]*)", html.unescape(client.get("/docs").text))
    assert len(commands) == sum(map(len, client.get("/openapi.json").json()["paths"].values()))
    for command in commands:
        _, _, url, *options = shlex.split(command)
        body = options[-1].encode() if options else None
        answer = client.request("POST" if body else "GET", url, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == (404 if url.endswith("/feedback") else 200), command


def test_with_keys_its_commands_show_where_one_goes(open_client, monkeypatch):
    monkeypatch.setenv("SERVING_KEY", "k")
    keyed = open_client(**{"api-keys": [{"env": "SERVING_KEY"}]})
    said = keyed.get("/docs", headers={"authorization": "Bearer k"}).text
    assert "curl -s -H 'authorization: Bearer KEY' http://127.0.0.1:8322/predict" in said


def test_a_browser_that_knows_no_address_is_led_to_the_page(client):
    assert client.get("/", follow_redirects=False).headers["location"] == "/docs"
