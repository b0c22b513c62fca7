"""The sign-in page and the page of an error, for the application to use."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from headgate.model.errors import HeadgateError
from headgate.server.auth.pages import SignInView
from headgate.server.pages.render import page


def signin_page(request: Request, view: SignInView) -> Response:
    """The form to sign in with a token or a link."""
    return page(
        request, "signin.html", {"problem": view.problem, "code": view.code, "next": view.next}
    )


def error_page(request: Request, error: HeadgateError) -> Response:
    """One sentence, and the remedy."""
    return page(
        request,
        "error.html",
        {"message": error.message, "remedy": error.remedy, "status": error.status},
        status=error.status,
    )
