"""The page's own scripts and styles, and Plotly."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import plotly
from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parents[1] / "static"
FRESH = {"cache-control": "no-cache"}  # the browser asks each time; the usual answer is 304


class OwnFiles(StaticFiles):
    """The page's scripts and styles, never stale after an update."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """As in StaticFiles, with the header that makes the browser ask each time."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update(FRESH)
        return response


def add_scripts(router: APIRouter) -> None:
    """Serve the scripts that lie in other packages."""

    @router.get("/timeline.js")
    def timeline_script() -> FileResponse:
        path = Path(str(files("allin1_mlx").joinpath("display/timeline.js")))
        return FileResponse(path, media_type="text/javascript", headers=FRESH)

    @router.get("/plotly.js")
    def plotly_script() -> FileResponse:
        path = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
        return FileResponse(path, media_type="text/javascript", headers=FRESH)


def mount_static(app: FastAPI) -> None:
    """Serve the folder static/."""
    app.mount("/allin1/static", OwnFiles(directory=STATIC), name="own files")
