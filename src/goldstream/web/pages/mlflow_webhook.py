"""`/webhooks/mlflow`: where MLflow says that an alias has moved; serving has the same address."""

import anyio.to_thread
import msgspec
import psycopg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from goldstream.errors import StoreError
from goldstream.registry.mlflow_webhook import LARGEST, NotSigned
from goldstream.web.bodies import said
from goldstream.web.database import Away


async def deliver(request: Request) -> Response:
    """Tell whoever follows an alias; its signature is the proof, so the guard asks for no other one."""
    webhook, data = request.app.state.webhook, await request.body()
    if webhook is None:
        raise HTTPException(404)
    if len(data) > LARGEST:
        raise HTTPException(413)
    try:
        return said({"announced": await anyio.to_thread.run_sync(webhook.receive, request.headers, data)})
    except NotSigned as error:
        raise HTTPException(401, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(422, str(error)) from None
    except (StoreError, psycopg.Error) as error:
        raise Away(f"nobody can be told now: {error}") from None
