"""The page's own scripts and styles, and Plotly."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import plotly
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parents[1] / "static"
SHARED = ("allin1_mlx", "display/stretching")  # scripts that saved pages have too
FRESH = {"cache-control": "no-cache"}  # the browser checks each time; the usual answer is 304


class OwnFiles(StaticFiles):
    """The page's scripts and styles, which are never outdated after an update."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """As in StaticFiles, with a header that makes the browser check for changes each time."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(FRESH)
        return response


PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


@lru_cache(maxsize=1)
def _compress_plotly() -> bytes:
    """Plotly's 4.8 MB, compressed once to 1.4 MB."""
    return gzip.compress(PLOTLY.read_bytes(), 6)


def add_scripts(router: APIRouter) -> None:
    """Serve the scripts that are in other packages."""

    @router.get("/timeline.js")
    def timeline_script() -> FileResponse:
        path = Path(str(files("allin1_mlx").joinpath("display/timeline.js")))
        return FileResponse(path, media_type="text/javascript", headers=FRESH)

    @router.get("/plotly.js")
    def plotly_script(request: Request) -> Response:
        tag = f'"{plotly.__version__}"'
        headers = {**FRESH, "etag": tag, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return FileResponse(PLOTLY, media_type="text/javascript", headers=headers)
        headers["content-encoding"] = "gzip"
        return Response(_compress_plotly(), media_type="text/javascript", headers=headers)


def mount_static(app: FastAPI) -> None:
    """Serve the folder static/, and the scripts that saved pages have too."""
    own = OwnFiles(directory=STATIC, packages=[SHARED])
    app.mount("/allin1/static", own, name="own files")
