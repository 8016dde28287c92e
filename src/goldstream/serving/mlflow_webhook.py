"""`/webhooks/mlflow`: where MLflow says that an alias has moved; the pages have the same address."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.registry.mlflow_webhook import LARGEST, PATH, NotSigned
from goldstream.serving.asking import asked
from goldstream.serving.requests import Refused, read_body
from goldstream.serving.service import Service


def routes(service: Service) -> list[BaseRoute]:
    """Return the address of the webhook, if the settings have a secret for it."""
    webhook = service.webhook
    if webhook is None:
        return []

    async def deliver(request: Request) -> Response:
        body = await read_body(request.receive, LARGEST)
        try:
            announced = await asked(lambda: webhook.receive(request.headers, body))
        except NotSigned as error:
            raise Refused(401, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(400, f"the body is not what is needed here: {error}") from None
        except Exception as error:
            raise Refused(503, "nobody can be told now", {"retry-after": "1"}) from error
        return Response(msgspec.json.encode({"announced": announced}), media_type="application/json")

    return [Route(PATH, deliver, methods=["POST"])]
