"""`/livez` and `/readyz`: whether the process lives, and whether requests should be sent to it. Neither asks anybody else."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from goldstream.serving.service import Service


def routes(service: Service) -> list[BaseRoute]:
    """Return the addresses of the probes."""

    async def livez(request: Request) -> Response:
        return Response(b'{"live":true}', media_type="application/json")

    async def readyz(request: Request) -> Response:
        loaded = service.models.loaded
        reason = "stopping" if service.draining else "ready" if service.ready else "no champion yet"
        said = {"ready": service.ready, "reason": reason, "version": loaded[0].version if loaded else None}
        return Response(msgspec.json.encode(said), 200 if service.ready else 503, media_type="application/json")

    return [Route("/livez", livez), Route("/readyz", readyz)]
