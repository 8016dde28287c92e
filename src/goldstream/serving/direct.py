"""The shortest way to an answer: what is asked most goes round the router, straight from the bytes to the bytes.

Routing, and a request and a response as objects, take as long as the rest of an answer to a single text.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from goldstream.serving.problems import problem
from goldstream.serving.requests import Refused, read_body

Answer = Callable[[bytes], Awaitable[bytes]]  #: from the body of a POST to JSON; raises `Refused`

_log = logging.getLogger("goldstream.serving")


class Direct:
    """Answers POST on some paths by itself, and leaves all else to the application behind it."""

    def __init__(self, app: ASGIApp, answers: Mapping[str, Answer], largest_body: int) -> None:
        self._app, self._answers, self._largest_body = app, answers, largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self._answers.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if answer is None:
            await self._app(scope, receive, send)
            return
        try:
            said = await answer(await read_body(receive, self._largest_body))
        except Refused as error:
            await problem(scope["path"], error.status, str(error), error.headers)(scope, receive, send)
        except ClientDisconnect:
            pass
        except Exception as error:
            _log.error("POST %s failed", scope["path"], exc_info=error)
            await problem(scope["path"], 500, "something went wrong here")(scope, receive, send)
        else:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(said))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": said})
