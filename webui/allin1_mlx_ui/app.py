"""`allin1-mlx-ui`: start the server of the page, and open a browser."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from allin1_mlx.cli.start import INTERRUPTED
from allin1_mlx.errors import AllInOneError, UsageError
from allin1_mlx.weights import MODELS, Access, announce, find_htdemucs, find_missing, find_model

from .choice import DEMIXES, Choice, Choices
from .guard import Login, is_loopback
from .library import choose_library, describe_place
from .type_stubs import skip_type_stubs
from .workspace import open_workspace

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

    from allin1_mlx.pipeline import Analyzer
    from allin1_mlx.types import SectionMethod

PORT = 7860
STYLES = (  # in the order in which they apply
    *("page", "buttons", "intake", "songs", "choice", "song", "timeline", "section_tools"),
    *("practice", "zoom", "corrections", "panel", "sections", "exports", "dialogs", "touch"),
)
HEAD = "".join(
    [
        '<link rel="icon" href="data:,">',
        *(f'<link rel="stylesheet" href="allin1/static/{name}.css">' for name in STYLES),
        '<link rel="modulepreload" href="allin1/static/main.js">',
    ]
)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="allin1-mlx-ui",
        description="See, hear and explore the structure of songs in your browser.",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}, or the next free")
    parser.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: this computer only")
    for name in ("user", "password"):
        text = f"{name} for visitors; for several users, give both several times"
        parser.add_argument(f"--{name}", action="append", default=[], help=text)
    parser.add_argument(
        "--library", type=Path, metavar="DIR", help="folder for songs (the user's data folder)"
    )
    parser.add_argument(
        "--no-library", action="store_true", help="delete songs when their tab is closed"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("-m", "--model", default="auto", help="as in allin1-mlx; initial choice")
    parser.add_argument(
        "--demix", default="auto", choices=DEMIXES, help="as in allin1-mlx; initial choice"
    )
    parser.add_argument(
        "--sections",
        default="auto",
        choices=("auto", "joint", "reference"),
        help="as in allin1-mlx, for all songs",
    )
    parser.add_argument("--weights-dir", type=Path, help="folder with weights")
    parser.add_argument("--offline", action="store_true", help="never offer to download weights")
    parser.add_argument("--max-minutes", type=float, default=60, help="longest song, default 60")
    parser.add_argument("--max-upload-mb", type=int, default=500, help="largest file, default 500")
    options = parser.parse_args(arguments)
    if len(options.user) != len(options.password) or not all(options.user + options.password):
        parser.error("--user and --password belong together")
    if len(set(options.user)) < len(options.user):
        parser.error("each --user must have another name")
    if options.library and options.no_library:
        parser.error("--library and --no-library contradict each other")
    if not is_loopback(options.host) and not options.user:
        parser.error(
            f"--host {options.host} opens the page to everyone who can reach this computer: "
            "give --user and --password, or leave --host out"
        )
    if options.model == "bundled" and options.demix != "auto":
        parser.error("the bundled network analyses the mix itself: leave out --demix")
    return options


def load_analyzer(
    weights_dir: Path | None, sections: SectionMethod | Literal["auto"], choice: Choice
) -> Analyzer:
    """Return the analyser of a choice. It runs in the analysing process, which never downloads."""
    from allin1_mlx.options import DecodingOptions
    from allin1_mlx.pipeline import Analyzer

    demix = "auto" if choice.model == "bundled" else choice.demix
    access = Access(weights_dir, offline=True)
    decoding = DecodingOptions(sections=sections)
    analyzer = Analyzer(choice.model, demix, weights=access, decoding=decoding)
    analyzer.load()  # before there is a song
    return analyzer


@contextmanager
def create_app(options: argparse.Namespace, library: Path | None = None) -> Iterator[FastAPI]:
    """Yield the server as an ASGI application, and delete its files when the block ends.

    library: where songs are kept; None to delete them when their tab is closed.
    """
    with open_workspace() as folder:
        # Gradio reads these environment variables, some of them when it is imported.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
        skip_type_stubs()
        yield from _create_app(options, folder, library)


def _create_app(
    options: argparse.Namespace, folder: Path, library: Path | None
) -> Iterator[FastAPI]:
    from fastapi import FastAPI

    from .analyst import Analyst
    from .guard import Guard
    from .inbox import Inbox
    from .jobs import Worker
    from .page import build_page
    from .rendering import Renderings
    from .routes import add_routes
    from .routes.doctor import Checkup
    from .sessions import Sessions

    named = Choice(options.model, options.demix)
    choices = Choices(named, Access(options.weights_dir, options.offline))
    if choices.missing(named):
        choices.choose(named, agreed=True)  # the user named it, and its terms were printed
    load = partial(load_analyzer, options.weights_dir, options.sections)
    analyst = Analyst(load, choices.current)
    worker = Worker(analyst, choices, max_minutes=options.max_minutes)
    inbox = Inbox(folder / "uploads", largest=options.max_upload_mb * 1_000_000)
    sessions = Sessions(folder / "sessions", library, resume=worker.resume)
    place = describe_place(library, has_users=bool(options.user))
    minutes = options.max_minutes
    page = build_page(sessions, worker, choices, inbox, max_minutes=minutes, place=place)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    renderings, checkup = Renderings(), Checkup()
    add_routes(app, sessions, worker, inbox, renderings, checkup)
    _mount(app, page, options.host)
    logins = [Login(*pair) for pair in zip(options.user, options.password, strict=True)]
    app.add_middleware(Guard, host=options.host, logins=logins)

    def hang_up() -> None:
        inbox.close()
        renderings.close()
        checkup.close()
        choices.close()
        sessions.close_all()
        _stop_streams(app)

    app.state.hang_up, app.state.folder = hang_up, folder
    try:
        yield app
    finally:
        choices.close()
        sessions.close_all()  # first, so that unfinished songs are queued again at the next start
        worker.close()


def _mount(app: FastAPI, page: gr.Blocks, host: str) -> None:
    """Serve the page at the root."""
    import gradio as gr

    from .page import theme

    gr.mount_gradio_app(
        app,
        page,
        path="/",
        server_name=host,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        theme=theme(),
        head=HEAD,
    )


def _stop_streams(app: FastAPI) -> None:
    """End the streams that Gradio keeps open to each page."""
    import gradio as gr
    from starlette.routing import Mount

    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, gr.routes.App):
            route.app.stop_event.set()


def check_weights(options: argparse.Namespace) -> list[str]:
    """Return lines to print about weights that were named on the command line: size, source and
    terms.

    Raises AllInOneError if they are unavailable, or if no model has that name.
    """
    if options.model not in MODELS:
        raise UsageError(f"no model is called {options.model!r}; there are {', '.join(MODELS)}")
    access = Access(options.weights_dir, options.offline)
    lines = []
    for name in Choice(options.model, options.demix).sets:
        missing = find_missing(name, access)
        if missing and access.is_offline:
            find = find_htdemucs if name == "htdemucs" else partial(find_model, name)
            find(access)
        lines += announce(missing, access)
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C. Returns the exit code."""
    options = parse(arguments)
    from .server import interrupt_on_signals

    interrupt_on_signals()
    try:
        return _run(options)
    except KeyboardInterrupt:  # before it serves
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    """Check the options and serve. Returns the exit code if it cannot serve."""
    from .server import find_port, serve

    try:
        for line in check_weights(options):
            print(line)
        library = choose_library(options.library, is_off=options.no_library)
    except AllInOneError as e:
        print(f"allin1-mlx-ui: {e}", file=sys.stderr)
        return 2
    try:
        listener = find_port(options.host, options.port)
    except OSError as e:
        print(f"allin1-mlx-ui: cannot listen on {options.host}: {e.strerror}", file=sys.stderr)
        return 2
    port = listener.getsockname()[1]
    if options.port not in (0, port):
        print(f"Port {options.port} is in use by another program; taking {port}.")
    if library.warning:
        print(library.warning)
    if not is_loopback(options.host):
        print(
            f"Open to everyone who can reach this computer's port {port} and knows the password. "
            "The connection is not encrypted."
        )
    host = f"[{options.host}]" if ":" in options.host else options.host
    url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}/"
    os.umask(0o077)  # other accounts of this computer must not read the songs
    with listener, library, create_app(options, library.folder) as app:
        print(f"The page is at {url} (stop with Ctrl-C)", flush=True)
        if not options.no_browser:
            webbrowser.open(url)
        serve(app, listener, hang_up=app.state.hang_up, folder=app.state.folder)


if __name__ == "__main__":
    sys.exit(main())
