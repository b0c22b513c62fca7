"""Programs of several web frameworks in which a value `p` comes from a request.

A frame turns a body (lines that use `p`) into a whole program. Every frame has several ways in, so
that a suite does not test one source only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import indent


@dataclass(frozen=True)
class Body:
    """What a case does with `p`."""

    lines: str
    imports: str = ""
    module: str = ""
    files: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Frame:
    """A framework and a way in."""

    name: str
    head: str
    """Imports and the application."""
    opening: str
    """The handler up to where `p` is known; the body is indented by `depth`."""
    reject: str
    """The statement that refuses a request."""
    page: str
    """The statement that sends `{v}` as HTML."""
    done: str
    """The statement that ends a handler without sending data."""
    redirect: str
    """The statement that redirects to `{v}`."""
    depth: int = 4
    tail: str = ""
    is_async: bool = False
    files: dict[str, str] = field(default_factory=dict[str, str])

    def program(self, body: Body) -> dict[str, str]:
        text = "\n".join(
            part
            for part in (
                body.imports.rstrip(),
                self.head,
                body.module.rstrip(),
                self.opening,
                indent(body.lines.rstrip(), " " * self.depth),
                self.tail,
            )
            if part
        )
        return {"app.py": text + "\n", **self.files, **body.files}


def _flask(name: str, source: str, signature: str = "", path: str = "/case") -> Frame:
    return Frame(
        name=f"flask-{name}",
        head="from flask import Flask, request, redirect, make_response\napp = Flask(__name__)\n",
        opening=f'@app.route("{path}", methods=["GET", "POST"])\ndef case({signature}):\n'
        + (f"    p = {source}" if source else ""),
        reject='return "no", 400',
        page='return "<p>" + {v} + "</p>"',
        done='return "done"',
        redirect="return redirect({v})",
    )


def _django(name: str, source: str, route: str = "case", signature: str = "request") -> Frame:
    return Frame(
        name=f"django-{name}",
        head="from django.http import HttpResponse, HttpResponseRedirect\n"
        "from django.urls import path\n",
        opening=f"def case({signature}):\n" + (f"    p = {source}" if source else "    pass"),
        reject='return HttpResponse("no", status=400)',
        page='return HttpResponse("<p>%s</p>" % {v})',
        done='return HttpResponse("done")',
        redirect="return HttpResponseRedirect({v})",
        tail=f'\nurlpatterns = [path("{route}", case)]',
    )


def _django_class(name: str, source: str) -> Frame:
    return Frame(
        name=f"django-{name}",
        head="from django.http import HttpResponse\nfrom django.shortcuts import redirect\n"
        "from django.views import View\n",
        opening=f"class Case(View):\n    def post(self, request):\n        p = {source}",
        reject='return HttpResponse("no", status=400)',
        page='return HttpResponse(f"<p>{{v}}</p>")',
        done='return HttpResponse("done")',
        redirect="return redirect({v})",
        depth=8,
        files={
            "urls.py": "from django.urls import path\nfrom app import Case\n"
            'urlpatterns = [path("case", Case.as_view())]\n'
        },
    )


def _fastapi(name: str, signature: str, source: str = "", route: str = "/case") -> Frame:
    return Frame(
        name=f"fastapi-{name}",
        head="from fastapi import FastAPI, APIRouter, Request, Header, Form\n"
        "from fastapi.responses import HTMLResponse, RedirectResponse\napp = FastAPI()\n",
        opening=f'@app.post("{route}")\nasync def case({signature}):\n'
        + (f"    p = {source}" if source else ""),
        reject='return {"error": "no"}',
        page='return HTMLResponse("<p>" + {v} + "</p>")',
        done='return {"done": True}',
        redirect="return RedirectResponse({v})",
        is_async=True,
    )


def _aiohttp(name: str, source: str, route: str = "/case") -> Frame:
    return Frame(
        name=f"aiohttp-{name}",
        head="from aiohttp import web\n",
        opening=f"async def case(request):\n    p = {source}",
        reject="raise web.HTTPBadRequest()",
        page='return web.Response(text="<p>{}</p>".format({v}), content_type="text/html")',
        done="return web.json_response({})",
        redirect="raise web.HTTPFound({v})",
        tail=f'\napplication = web.Application()\napplication.router.add_post("{route}", case)',
        is_async=True,
    )


def _tornado(name: str, source: str, method: str = "get") -> Frame:
    return Frame(
        name=f"tornado-{name}",
        head="import tornado.web\n",
        opening=f"class Case(tornado.web.RequestHandler):\n    def {method}(self):\n"
        f"        p = {source}",
        reject="raise tornado.web.HTTPError(400)",
        page='self.write("<p>" + {v} + "</p>")',
        done="self.finish()",
        redirect="self.redirect({v})",
        depth=8,
    )


def _bottle(name: str, source: str, signature: str = "", path: str = "/case") -> Frame:
    return Frame(
        name=f"bottle-{name}",
        head="from bottle import route, request, redirect, abort\n",
        opening=f'@route("{path}", method="POST")\ndef case({signature}):\n'
        + (f"    p = {source}" if source else ""),
        reject='return "no"',
        page='return "<p>" + {v} + "</p>"',
        done='return "done"',
        redirect="redirect({v})",
    )


def _starlette(name: str, source: str) -> Frame:
    return Frame(
        name=f"starlette-{name}",
        head="from starlette.applications import Starlette\n"
        "from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse\n"
        "from starlette.routing import Route\n",
        opening=f"async def case(request):\n    p = {source}",
        reject='return JSONResponse({"error": "no"}, status_code=400)',
        page='return HTMLResponse("".join(["<p>", {v}, "</p>"]))',
        done='return JSONResponse({"done": True})',
        redirect="return RedirectResponse(url={v})",
        tail='\napp = Starlette(routes=[Route("/case/{name}", case, methods=["POST"])])',
        is_async=True,
    )


FRAMES: tuple[Frame, ...] = (
    _flask("query", 'request.args.get("p", "")'),
    _django("query", 'request.GET.get("p", "")'),
    _fastapi("query", "p: str"),
    _aiohttp("query", 'request.query.get("p", "")'),
    _tornado("argument", 'self.get_argument("p", "")'),
    _bottle("query", 'request.query.get("p")'),
    _starlette("query", 'request.query_params["p"]'),
    _flask("form", 'request.form["p"]'),
    _django("form", 'request.POST["p"]'),
    _fastapi("body", "request: Request", '(await request.json())["p"]'),
    _aiohttp("path", 'request.match_info["p"]', "/case/{p}"),
    _tornado("body", 'self.request.body.decode("utf-8")', "post"),
    _bottle("path", "", "p", "/case/<p>"),
    _starlette("path", 'request.path_params["name"]'),
    _flask("path", "", "p", "/case/<p>"),
    _django("path", "", "case/<str:p>", "request, p"),
    _django_class("class-form", 'request.POST.get("p", "")'),
    _fastapi("path", "p: str", route="/case/{p}"),
    _aiohttp("post", '(await request.post())["p"]'),
    _flask("header", 'request.headers.get("X-P", "")'),
    _tornado("header", 'self.request.headers.get("X-P", "")'),
    _flask("cookie", 'request.cookies.get("p", "")'),
    _flask("json", 'request.get_json()["p"]'),
    _django("header", 'request.META.get("HTTP_X_P", "")'),
    _fastapi("header", 'p: str = Header("")'),
    _bottle("form", 'request.forms.get("p")'),
    _flask("values", 'request.values.getlist("p")[0]'),
    _flask("query-string", 'request.query_string.decode("utf-8")'),
)
