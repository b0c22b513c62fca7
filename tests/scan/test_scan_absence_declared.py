"""What is told by what classes declare, by decorators and by what surrounds a route."""

from __future__ import annotations

import textwrap

import pytest

from headgate.scan.absence.every import every_lack
from headgate.scan.absence.owning import by_identifier
from headgate.scan.flow.program import Program
from headgate.scan.flow.rules import Rules
from headgate.scan.front.python import lower
from headgate.scan.packs.load import shipped, shipped_kinds

RULES = Rules(shipped("python"), shipped_kinds())


def asked(files: dict[str, str] | str) -> set[tuple[str, str]]:
    """The kinds of what is missing, and what lacks it."""
    given = {"app.py": files} if isinstance(files, str) else files
    sources = {path: textwrap.dedent(text).encode() for path, text in given.items()}
    program = Program(lambda path: lower(sources[path]), sources)
    return {(one.kind, one.subject) for one in every_lack(program, RULES, {})}


MODELS = """
    from django.contrib.auth.models import AbstractUser
    from django.db import models

    class Clerk(AbstractUser):
        phone = models.CharField(max_length=30)
        is_supervisor = models.BooleanField(default=False)
        api_secret = models.CharField(max_length=64)

    class Claim(models.Model):
        author = models.ForeignKey(Clerk, on_delete=models.CASCADE)
        text = models.TextField()
        approved = models.BooleanField(default=False)
"""
REST = """
    from rest_framework import serializers, viewsets
    from rest_framework.decorators import action
    from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
    from rest_framework.response import Response
    from rest_framework.views import APIView
    from desk.models import Claim, Clerk
"""


def rest(body: str) -> set[tuple[str, str]]:
    text = textwrap.dedent(REST) + textwrap.dedent(body)
    return asked({"desk/models.py": MODELS, "desk/api.py": text})


SERIALIZER = """
class Writing(serializers.ModelSerializer):
    class Meta:
        model = Clerk
        fields = {fields}
        {more}

class Me(APIView):
    permission_classes = [{who}]
    def patch(self, request):
        one = Writing(request.user, data=request.data, partial=True)
        one.is_valid(raise_exception=True)
        one.save()
        return Response(one.data)
"""


@pytest.mark.parametrize(
    ("fields", "more", "who", "kinds"),
    [
        ('["phone", "is_supervisor"]', "", "IsAuthenticated", {"mass-assignment"}),
        ('["phone", "is_supervisor"]', "", "IsAdminUser", set[str]()),
        ('["phone", "is_supervisor"]', 'read_only_fields = ["is_supervisor"]',
        "IsAuthenticated", set[str]()),
        ('["phone"]', "", "IsAuthenticated", set[str]()),
        ('"__all__"', "", "IsAuthenticated", {"mass-assignment", "secret-in-response"}),
        ('["phone", "api_secret"]', "", "IsAuthenticated", {"secret-in-response"}),
        (
            '["phone", "api_secret"]',
            'extra_kwargs = {"api_secret": {"write_only": True}}',
            "IsAuthenticated",
            set[str](),
        ),
    ],
)  # fmt: skip
def test_a_serializer_lets_through_and_tells_what_it_lists(
    fields: str, more: str, who: str, kinds: set[str]
) -> None:
    found = rest(SERIALIZER.format(fields=fields, more=more, who=who))
    assert {kind for kind, subject in found if subject == "Writing"} == kinds


def test_a_form_that_leaves_out_one_field_lets_through_all_others() -> None:
    text = """
        from django import forms
        from django.contrib.auth.mixins import LoginRequiredMixin
        from django.views.generic import UpdateView
        from desk.models import Claim

        class Loose(forms.ModelForm):
            class Meta:
                model = Claim
                exclude = ["author"]

        class Tight(forms.ModelForm):
            class Meta:
                model = Claim
                fields = ["text"]

        class Change(LoginRequiredMixin, UpdateView):
            form_class = Loose
            def get_queryset(self):
                return Claim.objects.filter(author=self.request.user)

        class Other(LoginRequiredMixin, UpdateView):
            form_class = Tight
            def get_queryset(self):
                return Claim.objects.filter(author=self.request.user)
    """
    found = asked({"desk/models.py": MODELS, "desk/views.py": text})
    assert found == {("mass-assignment", "Loose")}


def test_generic_views_of_everybodys_rows_are_asked_about() -> None:
    text = """
        from django.contrib.auth.mixins import LoginRequiredMixin, UserPassesTestMixin
        from django.views.generic import DetailView, ListView
        from desk.models import Claim, Clerk

        class Any(LoginRequiredMixin, DetailView):
            model = Claim

        class Queried(LoginRequiredMixin, DetailView):
            queryset = Claim.objects.order_by("id")

        class Own(LoginRequiredMixin, DetailView):
            def get_queryset(self):
                return Claim.objects.filter(author=self.request.user)

        class Tested(UserPassesTestMixin, LoginRequiredMixin, DetailView):
            model = Claim
            def test_func(self):
                return self.get_object().author == self.request.user

        class Public(DetailView):
            model = Claim
    """
    found = asked({"desk/models.py": MODELS, "desk/views.py": text})
    assert found == {("missing-owner-check", "Any"), ("missing-owner-check", "Queried")}


def test_rest_views_are_judged_by_their_permissions() -> None:
    found = rest("""
        class Claims(viewsets.ModelViewSet):
            queryset = Claim.objects.all()
            permission_classes = [IsAuthenticated]

        class Own(viewsets.ModelViewSet):
            permission_classes = [IsAuthenticated]
            def get_queryset(self):
                return Claim.objects.filter(author=self.request.user)

            @action(detail=True, methods=["post"])
            def withdraw(self, request, pk=None):
                Claim.objects.get(pk=pk).delete()
                return Response()

            @action(detail=True, methods=["post"])
            def summary(self, request, pk=None):
                self.get_object().delete()
                return Response()

        class Purge(APIView):
            permission_classes = [AllowAny]
            def post(self, request):
                Claim.objects.filter(text="").delete()
                return Response()

        class Sweep(APIView):
            permission_classes = [IsAdminUser]
            def post(self, request):
                Claim.objects.filter(text="").delete()
                return Response()
    """)
    assert found == {
        ("missing-owner-check", "Claims"),
        ("missing-owner-check", "withdraw"),
        ("missing-authentication", "post"),
    }


def test_a_decorator_of_the_project_that_sends_strangers_away_is_a_check() -> None:
    found = asked("""
        from functools import wraps
        from flask import Flask, abort, request
        import tasks
        app = Flask(__name__)
        KEYS = set()

        def keyed(fn):
            @wraps(fn)
            def inner(*args, **kwargs):
                if request.headers.get("X-Pump") not in KEYS:
                    abort(401)
                return fn(*args, **kwargs)
            return inner

        @app.post("/open")
        @keyed
        def start():
            return tasks.start(request.json["pump"])

        @app.post("/close")
        @keyed
        def stop():
            return tasks.stop(request.json["pump"])

        @app.post("/drop")
        def drop():
            return tasks.drop(request.json["pump"])
    """)
    assert ("missing-authentication", "drop") in found
    assert {subject for kind, subject in found if kind == "missing-authentication"} == {"drop"}


def test_what_runs_before_every_route_checks_for_all_of_them() -> None:
    guard = """
        from aiohttp import web
        routes = web.RouteTableDef()

        @web.middleware
        async def gate(request, handler):
            if request.headers.get("X-Gate") != "x":
                raise web.{answer}()
            return await handler(request)

        @routes.post("/drop")
        async def drop(request):
            await request.app["db"].execute("DELETE FROM note")
            return web.Response()

        @routes.post("/login")
        async def login(request):
            data = await request.post()
            return check_password(data["password"])
    """
    assert ("missing-authentication", "drop") not in asked(guard.format(answer="HTTPUnauthorized"))
    assert ("missing-authentication", "drop") in asked(guard.format(answer="HTTPNotFound"))


def test_an_api_that_asks_by_itself_and_a_route_that_does_not() -> None:
    found = asked("""
        from django.shortcuts import get_object_or_404
        from ninja import NinjaAPI
        from desk.models import Claim
        from desk.security import Bearer
        api = NinjaAPI(auth=Bearer())

        @api.get("/tickets/{tid}")
        def ticket(request, tid: int):
            return get_object_or_404(Ticket, pk=tid)

        @api.get("/mine/{tid}")
        def mine(request, tid: int):
            return get_object_or_404(Ticket, Q(pk=tid) & Q(vehicle__user=request.auth))

        @api.delete("/all/{tid}", auth=None)
        def clear(request, tid: int):
            Ticket.objects.all().delete()
    """)
    assert found == {("missing-owner-check", "ticket"), ("missing-authentication", "clear")}


def test_rows_by_an_identifier_alone_where_other_queries_say_whose() -> None:
    found = asked("""
        import tornado.web

        class Loan(tornado.web.RequestHandler):
            @tornado.web.authenticated
            def get(self, loan_id):
                query = "SELECT due FROM loans WHERE id = ? AND member = ?"
                self.db.rows(query, loan_id, self.current_user)

            @tornado.web.authenticated
            def delete(self, loan_id):
                self.db.run("DELETE FROM loans WHERE id = ?", loan_id)

        class Title(tornado.web.RequestHandler):
            @tornado.web.authenticated
            def get(self, title_id):
                self.db.rows("SELECT name FROM titles WHERE id = ?", title_id)
    """)
    assert found == {("missing-owner-check", "delete")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT * FROM loans WHERE id = ?", ("loans", "id")),
        ("DELETE FROM loans WHERE loans.loan_id = %s", ("loans", "loan_id")),
        ("update loans set due = ? where id = :id returning id", ("loans", "id")),
        ("SELECT * FROM loans WHERE id = ? AND member = ?", None),
        ("SELECT * FROM loans WHERE member = ?", None),
        ("SELECT * FROM loans", None),
        ("Where are the loans of id = ?", None),
    ],
)
def test_queries_that_find_by_an_identifier_alone(text: str, found: tuple[str, str] | None) -> None:
    assert by_identifier(text) == found


def test_inputs_that_hold_rights_and_answers_that_hold_secrets() -> None:
    found = asked("""
        import strawberry

        @strawberry.type
        class Cook:
            name: str
            reset_code: str

        @strawberry.input
        class Patch:
            name: str
            role: str

        @strawberry.input
        class Rename:
            name: str

        @strawberry.type
        class Mutation:
            @strawberry.mutation(permission_classes=[SignedIn])
            def change(self, patch: Patch) -> bool:
                for key, value in vars(patch).items():
                    setattr(me(), key, value)
                return True

            @strawberry.mutation(permission_classes=[SignedIn])
            def rename(self, patch: Rename) -> bool:
                for key, value in vars(patch).items():
                    setattr(me(), key, value)
                return True
    """)
    assert ("secret-in-response", "Cook") in found
    assert ("mass-assignment", "change") in found
    assert ("mass-assignment", "rename") not in found


def test_a_signed_machine_and_a_counted_sign_in_are_not_asked_about() -> None:
    text = """
        import hmac
        from functools import wraps
        from django.contrib.auth import authenticate, login
        from django.contrib.auth.decorators import login_required
        from django.http import HttpResponse
        from django.urls import path
        from django.views.decorators.csrf import csrf_exempt

        def limit(fn):
            @wraps(fn)
            def inner(request):
                if count(request) > 5:
                    return HttpResponse(status=429)
                return fn(request)
            return inner

        def sign_in(request):
            user = authenticate(request, password=request.POST["password"])
            login(request, user)

        @limit
        def sign_in_slowly(request):
            user = authenticate(request, password=request.POST["password"])
            login(request, user)

        @csrf_exempt
        def hook(request):
            if not hmac.compare_digest(sign(request.body), request.META["X"]):
                return HttpResponse(status=403)
            Payment.objects.create(text=request.body)

        @csrf_exempt
        @login_required
        def pay(request):
            Payment.objects.create(text=request.POST["text"])

        urlpatterns = [path("a", sign_in), path("b", sign_in_slowly), path("c", hook)]
        urlpatterns += [path("d", pay)]
    """
    found = asked(text)
    assert ("missing-rate-limit", "sign_in") in found
    assert ("missing-rate-limit", "sign_in_slowly") not in found
    assert ("missing-csrf-protection", "pay") in found
    assert ("missing-csrf-protection", "hook") not in found


def test_a_password_of_ones_own_that_is_set_without_the_old_one() -> None:
    text = """
        from django.contrib.auth.decorators import login_required
        from django.urls import path

        @login_required
        def quick(request):
            request.user.set_password(request.POST["new"])

        @login_required
        def careful(request):
            if request.user.check_password(request.POST["old"]):
                request.user.set_password(request.POST["new"])

        def redeem(request, ticket):
            ticket.user.set_password(request.POST["new"])

        urlpatterns = [path("a", quick), path("b", careful), path("c", redeem)]
    """
    found = {subject for kind, subject in asked(text) if kind == "password-change-without-old"}
    assert found == {"quick"}


def test_what_functions_lack_by_themselves() -> None:
    found = asked("""
        import smtplib
        import tornado.websocket

        class Open(tornado.websocket.WebSocketHandler):
            def check_origin(self, origin):
                return True

        class Closed(tornado.websocket.WebSocketHandler):
            def check_origin(self, origin):
                return origin in SITES

        def early():
            server = smtplib.SMTP("mail.example", 587)
            server.login("a", password())

        def late():
            with smtplib.SMTP("mail.example", 587) as server:
                server.starttls()
                server.login("a", password())

        def here():
            server = smtplib.SMTP("localhost")
            server.login("a", password())
    """)
    assert {kind for kind, _ in found} == {"websocket-origin-unchecked", "cleartext-transport"}
    assert {subject for _, subject in found} == {"check_origin", "early"}


def test_a_permission_class_of_the_project_that_tests_a_role_is_no_owner_to_ask_for() -> None:
    text = """
        import sqlalchemy as sa
        import strawberry
        from models import Recipe, Session

        class SignedIn:
            def has_permission(self, source, info):
                return info.context["cook"] is not None

        class Editor:
            def has_permission(self, source, info):
                return info.context["cook"].role == "editor"

        @strawberry.type
        class Query:
            @strawberry.field(permission_classes=[SignedIn])
            def note(self, info, id: int) -> str:
                return Session().get(Note, id).text

            @strawberry.field(permission_classes=[Editor])
            def any_note(self, info, id: int) -> str:
                return Session().get(Note, id).text

            @strawberry.field(permission_classes=[SignedIn])
            def own_note(self, info, id: int) -> str:
                found = Session().get(Note, id)
                return found.text if found.cook_id == info.context["cook"].id else ""
    """
    assert asked(text) == {("missing-owner-check", "note")}
