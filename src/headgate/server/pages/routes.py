"""The addresses of the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.model.errors import NotSignedIn
from headgate.model.ids import JobRunId
from headgate.model.job import JobRun
from headgate.model.principal import Principal
from headgate.server.api.numbers import whole_number
from headgate.server.auth.identity import csrf_token, current_identity, current_principal
from headgate.server.pages.assets import Assets
from headgate.server.pages.downloads import download
from headgate.server.pages.live import Pulse, Shared, follow
from headgate.server.pages.logs import follow_log, read_from
from headgate.server.pages.render import fragment, json_answer, page
from headgate.server.pages.stream import EventStream
from headgate.server.views import findings, ledger, listing, packages
from headgate.server.views.abilities import readable_projects
from headgate.server.views.board import board_view
from headgate.server.views.change import change_facts, change_view
from headgate.server.views.diff import diff_view
from headgate.server.views.house import House
from headgate.server.views.job import find_run, job_status, job_view, readable_run
from headgate.server.views.pipelines import pipeline_view, pipelines_view
from headgate.server.views.places import principals_view, project_view, projects_view
from headgate.server.views.project_packages import project_packages_view
from headgate.server.views.text import View

LOG_LIMIT = 32 << 20
"""Bytes of a log in one answer."""


@dataclass(frozen=True, slots=True)
class Page:
    """A view, the template that shows it, and where both are."""

    path: str
    template: str
    view: Callable[[Request, Principal], Awaitable[View]]

    def routes(self) -> list[Route]:
        async def html(request: Request) -> Response:
            view = await self.view(request, current_principal(request))
            path = "/queues" if self.path == "/" else request.url.path
            return page(request, self.template, view, data=f"{path}.json")

        async def data(request: Request) -> Response:
            return json_answer(await self.view(request, current_principal(request)))

        json_path = "/.json" if self.path == "/" else f"{self.path}.json"
        # JSON first: a name in an address would swallow the ending.
        return [
            Route(json_path, data, methods=["GET"]),
            Route(self.path, html, methods=["GET"]),
        ]


class Pages:
    """Every page of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._pulse = Pulse(house.db)
        self._shared = Shared(house.clock)

    def routes(self) -> list[BaseRoute]:
        pages = (
            Page("/", "board.html", self._board),
            Page("/queues", "board.html", self._board),
            Page("/queues/{name:path}", "board.html", self._board),
            Page("/changes", "changes.html", self._changes),
            Page("/changes/{number:whole}", "change.html", self._change),
            Page("/changes/{number:whole}/diff", "diff.html", self._diff),
            Page("/jobs/{run:whole}", "job.html", self._job),
            Page("/pipelines", "pipelines.html", self._pipelines),
            Page("/pipelines/{name}", "pipeline.html", self._pipeline),
            Page("/findings", "findings.html", self._findings),
            Page("/findings/{identity:hex}", "finding.html", self._finding),
            Page("/rules", "rules.html", self._rules),
            Page("/projects", "projects.html", self._projects),
            Page("/projects/{name}", "project.html", self._project),
            Page("/projects/{name}/packages", "project_packages.html", self._project_packages),
            Page("/packages", "packages.html", self._packages),
            Page("/packages/users", "package_users.html", self._users),
            Page("/packages/requests", "package_requests.html", self._requests),
            Page("/packages/exceptions", "package_exceptions.html", self._exceptions),
            Page("/principals", "principals.html", self._principals),
            Page("/events", "events.html", self._events),
        )
        return [
            Mount("/static", Assets()),
            Route("/live", _Endpoint(self._live)),
            Route("/jobs/{run:whole}/log", self._log, methods=["GET"]),
            Route("/jobs/{run:whole}/artifacts/{path:path}", self._artifact, methods=["GET"]),
            Route("/jobs/{run:whole}/live", _Endpoint(self._log_live)),
            *(route for p in pages for route in p.routes()),
        ]

    # -- views -------------------------------------------------------------------------------

    async def _board(self, request: Request, viewer: Principal) -> View:
        return self._board_now(viewer, request.path_params.get("name", ""))

    def _board_now(self, viewer: Principal, queue: str) -> View:
        house = self._house
        view = board_view(house, readable_projects(house, viewer), house.clock(), queue)
        return view | {"git_url": f"{house.settings.url}/git"}

    async def _changes(self, request: Request, viewer: Principal) -> View:
        query = request.query_params
        filters = listing.Filters(
            project=query.get("project", ""),
            branch=query.get("branch", ""),
            state=query.get("state", ""),
            owner=query.get("owner", ""),
            q=query.get("q", ""),
            before=_number(request, "before"),
        )
        return listing.changes_view(self._house, viewer, filters)

    async def _change(self, request: Request, viewer: Principal) -> View:
        number: int = request.path_params["number"]
        return await change_view(self._house, number, viewer, self._house.clock())

    async def _diff(self, request: Request, viewer: Principal) -> View:
        number: int = request.path_params["number"]
        return await diff_view(self._house, number, viewer, _number(request, "from") or 0)

    async def _job(self, request: Request, viewer: Principal) -> View:
        return await job_view(self._house, request.path_params["run"], viewer, self._house.clock())

    async def _pipelines(self, request: Request, viewer: Principal) -> View:
        return pipelines_view(self._house, viewer, self._house.clock())

    async def _pipeline(self, request: Request, viewer: Principal) -> View:
        name: str = request.path_params["name"]
        return pipeline_view(self._house, name, viewer, self._house.clock())

    async def _findings(self, request: Request, viewer: Principal) -> View:
        query = request.query_params
        filters = findings.Filters(
            project=query.get("project", ""),
            branch=query.get("branch", ""),
            state=query.get("state", "open"),
            rule=query.get("rule", ""),
            severity=query.get("severity", ""),
            owner=query.get("owner", ""),
            q=query.get("q", ""),
            page=_number(request, "page") or 1,
        )
        return findings.findings_view(self._house, viewer, filters)

    async def _finding(self, request: Request, viewer: Principal) -> View:
        return await findings.finding_view(self._house, request.path_params["identity"], viewer)

    async def _rules(self, request: Request, viewer: Principal) -> View:
        return findings.rules_view(self._house, viewer)

    async def _projects(self, request: Request, viewer: Principal) -> View:
        return projects_view(self._house, viewer)

    async def _project(self, request: Request, viewer: Principal) -> View:
        return await project_view(self._house, request.path_params["name"], viewer)

    async def _project_packages(self, request: Request, viewer: Principal) -> View:
        query = request.query_params
        return await project_packages_view(
            self._house,
            request.path_params["name"],
            viewer,
            query.get("from", ""),
            query.get("to", ""),
        )

    async def _packages(self, request: Request, viewer: Principal) -> View:
        return packages.packages_view(self._house, viewer)

    async def _users(self, request: Request, viewer: Principal) -> View:
        query = request.query_params
        return packages.users_view(
            self._house, viewer, query.get("package", ""), query.get("below", "")
        )

    async def _requests(self, request: Request, viewer: Principal) -> View:
        return packages.requests_view(self._house, viewer)

    async def _exceptions(self, request: Request, viewer: Principal) -> View:
        return packages.exceptions_view(self._house, viewer)

    async def _principals(self, request: Request, viewer: Principal) -> View:
        return principals_view(self._house, viewer)

    async def _events(self, request: Request, viewer: Principal) -> View:
        query = request.query_params
        filters = ledger.Filters(
            query.get("kind", ""), query.get("subject", ""), _number(request, "before")
        )
        return ledger.events_view(self._house, viewer, filters)

    # -- streams -----------------------------------------------------------------------------

    async def _live(self, request: Request) -> ASGIApp:
        """Fragments of the board (`queue=NAME`, or all), or of a change (`change=N`)."""
        viewer = current_principal(request)
        present = self._present(request)
        number = _number(request, "change")
        if number is not None:
            change_facts(self._house, number, viewer, self._house.clock())
            csrf = csrf_token(request)

            def render() -> str:
                present()
                view = change_facts(self._house, number, viewer, self._house.clock())
                return fragment("_change.html", view | {"csrf": csrf})
        else:
            queue = request.query_params.get("queue", "")
            if queue:
                with self._house.db.read() as tx:
                    tx.queues.by_name(queue)

            def render() -> str:
                present()
                return self._board_html(viewer, queue)

        return EventStream(follow(self._pulse, render), self._house.closing)

    def _present(self, request: Request) -> Callable[[], None]:
        """What raises NotSignedIn as soon as a stream's reader is signed out or disabled."""
        identity = current_identity(request)

        def check() -> None:
            with self._house.db.read() as tx:
                known = identity.session
                ended = known and tx.sessions.find(known, "session") is None
                if ended or tx.principals.get(identity.principal.id).disabled:
                    raise NotSignedIn("The session has ended.", "Sign in again at /signin.")

        return check

    def _board_html(self, viewer: Principal, queue: str) -> str:
        house = self._house
        with house.db.read() as tx:
            last = tx.events.last()
        key = (queue, readable_projects(house, viewer))
        return self._shared.get(
            key,
            last.id if last else 0,
            lambda: fragment("_board.html", self._board_now(viewer, queue)),
        )

    async def _log(self, request: Request) -> Response:
        run = await self._run(request)
        offset = _number(request, "from") or 0
        data = read_from(self._house.log_path(run.id), offset, LOG_LIMIT)
        return PlainTextResponse(
            data,
            headers={
                "x-headgate-offset": str(offset + len(data)),
                "x-headgate-state": run.state.value,
            },
        )

    async def _run(self, request: Request) -> JobRun:
        viewer = current_principal(request)
        return (await readable_run(self._house, request.path_params["run"], viewer))[0]

    async def _artifact(self, request: Request) -> Response:
        run = await self._run(request)
        return download(request, self._house.artifacts_path(run.id))

    async def _log_live(self, request: Request) -> ASGIApp:
        viewer = current_principal(request)
        present = self._present(request)
        id: int = request.path_params["run"]
        run, projects = await readable_run(self._house, id, viewer)
        given = request.headers.get("last-event-id", "")
        offset = whole_number("last-event-id", given) if given else _number(request, "from") or 0

        def status() -> str:
            view = job_status(self._house, id, viewer, self._house.clock(), projects)
            return fragment("_job.html", view)

        def find() -> JobRun:
            present()
            return find_run(self._house, id, viewer, projects)

        source = follow_log(
            self._house.log_path(JobRunId(run.id)),
            offset,
            find,
            status,
        )
        return EventStream(source, self._house.closing)


class _Endpoint:
    """Lets a route answer with something that is no `Response`."""

    def __init__(self, answer: Callable[[Request], Awaitable[ASGIApp]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = await self._answer(Request(scope, receive))
        await app(scope, receive, send)


def _number(request: Request, name: str) -> int | None:
    """A query parameter that is a whole number. Raises BadInput."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    return whole_number(name, text)


def routes(house: House) -> Sequence[BaseRoute]:
    """The pages, their JSON, the live streams and the static files."""
    return Pages(house).routes()
