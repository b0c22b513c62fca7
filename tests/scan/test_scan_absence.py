"""What routes lack, told by what their siblings have or by what they do."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.scan.absence.every import every_lack
from headgate.scan.flow.program import Program
from headgate.scan.flow.rules import Rules
from headgate.scan.front.python import lower
from headgate.scan.packs.load import shipped, shipped_kinds

RULES = Rules(shipped("python"), shipped_kinds())


def asked(files: dict[str, str], documents: dict[str, str] | None = None) -> set[tuple[str, str]]:
    """The kinds of what is missing, and what lacks it."""
    sources = {path: textwrap.dedent(text).encode() for path, text in files.items()}
    program = Program(lambda path: lower(sources[path]), sources)
    texts = {path: textwrap.dedent(text).encode() for path, text in (documents or {}).items()}
    return {(one.kind, one.subject) for one in every_lack(program, RULES, texts)}


FLASK = """
from flask import Flask, request, session, redirect, render_template, jsonify
from flask_login import login_required, current_user
from models import Note, User, db
app = Flask(__name__)
"""
MODELS = """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()

class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    password = db.Column(db.String)

class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer)
    text = db.Column(db.String)
"""


def flask(body: str) -> set[tuple[str, str]]:
    return asked({"app.py": FLASK + textwrap.dedent(body), "models.py": MODELS})


def test_a_route_that_changes_something_and_asks_nobody_is_asked_about() -> None:
    found = flask("""
        @app.post("/a")
        @login_required
        def one():
            db.session.commit()
        @app.post("/b")
        @login_required
        def two():
            db.session.commit()
        @app.post("/c")
        def three():
            db.session.add(Note(text=request.form["text"]))
            db.session.commit()
        @app.get("/d")
        def four():
            return "hello"
    """)
    assert ("missing-authentication", "three") in found
    assert not {name for kind, name in found if kind == "missing-authentication"} & {
        "one", "two", "four",
    }  # fmt: skip


def test_a_program_in_which_nobody_signs_in_is_not_asked_who_calls() -> None:
    found = flask("""
        @app.post("/c")
        def three():
            db.session.add(Note(text=request.form["text"]))
            db.session.commit()
    """)
    assert "missing-authentication" not in {kind for kind, _ in found}


def test_an_object_that_is_fetched_by_number_only_is_asked_about() -> None:
    found = flask("""
        @app.get("/note/<int:note_id>")
        @login_required
        def anybody(note_id):
            return jsonify(text=Note.query.get(note_id).text)
        @app.get("/mine/<int:note_id>")
        @login_required
        def mine(note_id):
            note = Note.query.filter_by(id=note_id, user_id=current_user.id).first()
            return jsonify(text=note.text)
        @app.get("/compared/<int:note_id>")
        @login_required
        def compared(note_id):
            note = Note.query.get_or_404(note_id)
            if note.user_id != current_user.id:
                return "no", 403
            return jsonify(text=note.text)
    """)
    assert {name for kind, name in found if kind == "missing-owner-check"} == {"anybody"}


def test_who_signed_in_is_no_identifier_that_the_caller_chooses() -> None:
    found = flask("""
        @app.get("/me")
        def me():
            claims = decode_token(request.headers["Authorization"])
            return jsonify(text=User.query.filter_by(id=claims["sub"]).first().name)
    """)
    assert "missing-owner-check" not in {kind for kind, _ in found}


CHANGE = """
    @app.post("/delete")
    @login_required
    def delete():
        Note.query.filter_by(user_id=current_user.id, id=request.form["id"]).delete()
        db.session.commit()
        return redirect("/")
"""


def test_a_form_without_a_token_is_asked_about() -> None:
    assert ("missing-csrf-protection", "delete") in flask(CHANGE)
    assert ("missing-csrf-protection", "delete") not in flask(
        "from flask_wtf import CSRFProtect\nCSRFProtect(app)\n" + textwrap.dedent(CHANGE)
    )


def test_a_protection_that_is_defined_and_not_used_protects_nothing() -> None:
    unused = "def csrf_middleware(request):\n    return request\n"
    used = unused + "app.before_request(csrf_middleware)\n"
    assert ("missing-csrf-protection", "delete") in flask(unused + textwrap.dedent(CHANGE))
    assert ("missing-csrf-protection", "delete") not in flask(used + textwrap.dedent(CHANGE))


SIGN_IN = """
    from werkzeug.security import check_password_hash
    @app.post("/login")
    def login():
        user = User.query.filter_by(name=request.form["name"]).first()
        if user and check_password_hash(user.password, request.form["password"]):
            session["user_id"] = user.id
            return redirect("/")
        return "no", 403
"""


def test_a_sign_in_without_a_limit_is_asked_about() -> None:
    assert ("missing-rate-limit", "login") in flask(SIGN_IN)
    limited = "from flask_limiter import Limiter\nlimiter = Limiter(app)\n"
    assert ("missing-rate-limit", "login") not in flask(limited + textwrap.dedent(SIGN_IN))


def test_a_second_way_to_sign_in_is_not_limited_by_what_the_first_one_counts() -> None:
    counted = """
        attempts = {}
        def too_many(address):
            attempts[address] = attempts.get(address, 0) + 1
            return attempts[address] > 5
    """
    first = SIGN_IN.replace("def login():", "def login():\n        too_many(request.remote_addr)")
    second = SIGN_IN.replace("login", "login_api")
    limits = textwrap.dedent(counted) + textwrap.dedent(first)
    found = flask(limits + textwrap.dedent(second))
    assert {name for kind, name in found if kind == "missing-rate-limit"} == {"login_api"}
    assert "missing-rate-limit" not in {kind for kind, _ in flask(limits)}


def test_a_file_of_a_limited_size_under_a_new_name_is_not_asked_about() -> None:
    upload = """
        @app.post("/send")
        def send():
            data = request.files["file"].read({limit})
            if len(data) > 5_000_000 or not is_picture(data):
                abort(415)
            with open("/srv/" + uuid4().hex, "wb") as kept:
                kept.write(data)
            return "kept"
    """
    assert ("missing-upload-limits", "send") in flask(upload.format(limit=""))
    assert ("missing-upload-limits", "send") not in flask(upload.format(limit="5_000_001"))


def test_a_change_beside_one_that_checks_where_it_comes_from_is_asked_about() -> None:
    found = flask("""
        from helpers import csrf_protected
        SCORES = {}
        @app.post("/withdraw")
        @csrf_protected
        def withdraw():
            SCORES.pop(session["player"], None)
            return "", 204
        @app.post("/score")
        def score():
            SCORES[session["player"]] = int(request.form["score"])
            return "", 204
        @app.get("/shown")
        def shown():
            return str(SCORES[session["player"]])
    """)
    assert {name for kind, name in found if kind == "missing-csrf-protection"} == {"score"}


def test_a_right_that_others_ask_for_and_one_route_gives_is_asked_about() -> None:
    found = flask("""
        @app.get("/owners")
        @login_required
        def owners():
            if not current_user.vet:
                abort(403)
            return jsonify([one.name for one in User.query])
        @app.post("/owners/<int:number>/promote")
        @login_required
        def promote(number):
            db.session.get(User, number).vet = True
            db.session.commit()
            return "", 204
        @app.post("/owners/<int:number>/demote")
        @login_required
        def demote(number):
            if not current_user.vet:
                abort(403)
            db.session.get(User, number).vet = False
            db.session.commit()
            return "", 204
    """)
    assert {name for kind, name in found if kind == "missing-authorisation"} == {"promote"}


def test_a_token_that_is_taken_apart_and_believed_is_asked_about() -> None:
    found = flask("""
        def believed(token):
            return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["sub"]
        def checked(token):
            body, mac = token.split(".")[1], token.split(".")[2]
            if not hmac.compare_digest(mac_of(body), mac):
                abort(401)
            return json.loads(base64.urlsafe_b64decode(body))["sub"]
        @app.get("/a")
        def a():
            return believed(request.headers["X-Token"])
        @app.get("/b")
        def b():
            return checked(request.headers["X-Token"])
    """)
    assert {name for kind, name in found if kind == "jwt-unverified"} == {"believed"}


@pytest.mark.parametrize(
    "told", ["dict(request.headers)", "request.cookies", "f'{request.headers}'"]
)
def test_all_headers_in_the_log_hold_who_calls(told: str) -> None:
    route = """
        @app.post("/trace")
        def trace():
            app.logger.info("%s", {told})
            return "", 204
    """
    assert ("sensitive-data-exposure", "trace") in flask(route.format(told=told))
    one = 'request.headers["Accept"]'
    assert ("sensitive-data-exposure", "trace") not in flask(route.format(told=one))


@pytest.mark.parametrize(
    ("column", "condition", "asked_about"),
    [
        ("pw", "", True),
        ("api_token", "", True),
        ("title", "", False),
        ("pw", "if c.name != 'pw'", False),
    ],
)
def test_a_row_is_not_answered_whole_with_a_secret_in_it(
    column: str, condition: str, asked_about: bool
) -> None:
    found = flask(f"""
        class Owner(db.Model):
            id = db.Column(db.Integer, primary_key=True)
            {column} = db.Column(db.String)
            def as_dict(self):
                return {{c.name: getattr(self, c.name) for c in self.__table__.columns {condition}}}
        @app.get("/owners")
        def owners():
            return jsonify([one.as_dict() for one in Owner.query])
    """)
    assert (("secret-in-response", "as_dict") in found) is asked_about


@pytest.mark.parametrize("check", ["must_own(note)", "current_user.must_own(note)", "owns(note)"])
def test_a_helper_that_asks_whose_it_is_ties_an_object(check: str) -> None:
    route = """
        @app.get("/note/<int:note_id>")
        @login_required
        def note(note_id):
            note = Note.query.get_or_404(note_id)
            {check}
            return jsonify(text=note.text)
    """
    kind = "missing-owner-check"
    assert (kind, "note") not in flask(route.format(check=check))
    assert (kind, "note") in flask(route.format(check="must_download(note)"))


def test_an_upload_without_limits_is_asked_about() -> None:
    upload = """
        @app.post("/send")
        def send():
            file = request.files["file"]
            {check}
            file.save("/srv/" + file.filename)
            return "kept"
    """
    assert ("missing-upload-limits", "send") in flask(upload.format(check="pass"))
    checked = 'assert file.filename.endswith(".png")'
    assert ("missing-upload-limits", "send") not in flask(upload.format(check=checked))


def test_a_change_of_password_that_does_not_ask_for_the_old_one_is_asked_about() -> None:
    change = """
        @app.post("/change_password")
        @login_required
        def change_password():
            {check}
            current_user.set_password(request.form["password"])
            db.session.commit()
            return "done"
    """
    assert ("password-change-without-old", "change_password") in flask(change.format(check="pass"))
    asks = 'assert current_user.verify_password(request.form["old_password"])'
    assert "password-change-without-old" not in {k for k, _ in flask(change.format(check=asks))}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ('request.form["password"]', True),
        ('generate_password_hash(request.form["password"])', False),
    ],
)
def test_a_password_that_is_stored_as_it_was_typed_is_asked_about(value: str, stored: bool) -> None:
    found = flask(f"""
        @app.post("/register")
        def register():
            db.session.add(User(name=request.form["name"], password={value}))
            db.session.commit()
            return "done"
    """)
    assert (("plaintext-password-storage", "register") in found) is stored


def test_a_password_in_a_query_of_a_helper_is_found_through_the_route() -> None:
    found = asked(
        {
            "app.py": """
                from flask import Flask, request
                import people
                app = Flask(__name__)
                @app.post("/register")
                def register():
                    people.create(request.form["name"], request.form["password"])
                    return "done"
            """,
            "people.py": """
                import sqlite3
                def create(name, password):
                    db = sqlite3.connect("app.db")
                    db.execute("INSERT INTO users (name, password) VALUES (?, ?)", (name, password))
            """,
        }
    )
    assert ("plaintext-password-storage", "create") in found


def test_a_password_in_an_answer_is_asked_about() -> None:
    found = flask("""
        @app.get("/users")
        @login_required
        def users():
            everybody = User.query.all()
            return jsonify([{"name": one.name, "password": one.password} for one in everybody])
        @app.get("/names")
        @login_required
        def names():
            return jsonify([{"name": one.name, "id": one.id} for one in User.query.all()])
    """)
    assert {name for kind, name in found if kind == "secret-in-response"} == {"users"}


def test_an_answer_that_tells_which_accounts_exist_is_asked_about() -> None:
    sign_in = """
        @app.post("/login")
        def login():
            user = User.query.filter_by(name=request.form["name"]).first()
            if user is None:
                return "{first}", 403
            if not check_password_hash(user.password, request.form["password"]):
                return "{second}", 403
            return "in"
    """
    telling = sign_in.format(first="User does not exist", second="Password is wrong")
    silent = sign_in.format(first="Name or password is wrong", second="Name or password is wrong")
    assert ("user-enumeration", "login") in flask(telling)
    assert ("user-enumeration", "login") not in flask(silent)


def test_rights_that_the_caller_sends_are_asked_about() -> None:
    found = flask("""
        @app.get("/page")
        def page():
            if request.cookies.get("role") == "admin":
                return "all"
            return "some"
        @app.post("/register")
        def register():
            data = request.get_json()
            user = User(name=data["name"], is_admin=data["is_admin"])
            db.session.add(user)
            return "done"
        @app.post("/profile")
        @login_required
        def profile():
            note = Note(**request.get_json())
            db.session.add(note)
            return "done"
    """)
    assert ("missing-authorisation", "page") in found
    assert ("mass-assignment", "register") in found
    assert ("mass-assignment", "profile") in found


def test_a_password_in_a_log_is_asked_about() -> None:
    found = flask("""
        @app.post("/login")
        def login():
            password = request.form["password"]
            print("trying", password)
            app.logger.info("somebody signs in")
            return "no"
    """)
    assert ("sensitive-data-exposure", "login") in found


def test_django_views_are_routes_by_the_list_of_addresses() -> None:
    files = {
        "shop/settings.py": """
            MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
        """,
        "shop/urls.py": """
            from django.urls import path
            from shop import views
            urlpatterns = [path("pay", views.pay), path("page/<int:number>", views.Page.as_view())]
        """,
        "shop/views.py": """
            from django.views import View
            from django.views.decorators.csrf import csrf_exempt
            from django.contrib.auth.decorators import login_required
            from shop.models import Account

            @csrf_exempt
            @login_required
            def pay(request):
                request.user.account.save()

            class Page(View):
                def get(self, request, number):
                    return Account.objects.get(pk=number)
        """,
    }
    found = asked(files)
    assert ("missing-csrf-protection", "pay") in found
    assert ("missing-csrf-protection", "MIDDLEWARE") in found
    assert ("missing-owner-check", "get") in found


def test_functions_that_an_openapi_description_names_are_routes() -> None:
    files = {
        "api/users.py": """
            from flask import request
            from models import db, User
            def login():
                body = request.get_json()
                user = User.query.filter_by(name=body["name"]).first()
                return {"ok": user.check_password(body["password"])}
            def wipe():
                check_token(request.headers["Authorization"])
        """,
        "models.py": MODELS,
    }
    description = """
        openapi: 3.0.1
        paths:
          /login:
            post:
              operationId: api.users.login
          /broken: 3
    """
    assert ("missing-rate-limit", "login") in asked(files, {"openapi.yml": description})
    assert asked(files) == set()
    assert asked(files, {"openapi.yml": "operationId: [", "b.yml": "operationId: &a [*a]"}) == set()


def test_a_pack_can_say_what_routes_have_to_have() -> None:
    from headgate.scan.packs.load import parse_pack

    pack = parse_pack(
        textwrap.dedent("""
            pack: house-rules
            language: python
            version: 1
            absences:
              - kind: missing-authorisation
                methods: [POST]
                path: ^/admin
                require_any: [{decorator: house.needs_role}, {mentions: is_admin}]
                question: Which role is needed here?
        """).encode(),
        "house.yaml",
        shipped_kinds(),
    )
    source = b"""
from flask import Flask
from house import needs_role
app = Flask(__name__)
@app.post("/admin/a")
def bare(): return "x"
@app.post("/admin/b")
@needs_role("admin")
def decorated(): return "x"
@app.post("/shop")
def elsewhere(): return "x"
"""
    rules = Rules([*shipped("python"), pack], shipped_kinds())
    program = Program(lambda path: lower(source), ["app.py"])
    (only,) = [one for one in every_lack(program, rules) if one.kind == "missing-authorisation"]
    assert (only.subject, only.question) == ("bare", "Which role is needed here?")


def test_a_library_without_routes_is_asked_nothing() -> None:
    library = """
        def login(user, password):
            if user.password == password:
                print(password)
                return True
    """
    assert asked({"library.py": library}) == set()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1200), st.sampled_from(["", "(", "\n  x", "\x00", "@app.route("]))
def test_half_a_file_is_judged_as_far_as_it_goes(cut: int, rest: str) -> None:
    text = FLASK + textwrap.dedent(CHANGE) + textwrap.dedent(SIGN_IN)
    program = Program(lambda path: lower((text[:cut] + rest).encode()), ["app.py"])
    for one in every_lack(program, RULES):
        assert 0 <= one.start <= one.end <= len(text) + len(rest)


def test_data_comes_in_by_paths_that_an_openapi_description_names() -> None:
    from headgate.scan.absence.openapi import operations
    from headgate.scan.flow.analysis import analyse
    from headgate.scan.front.lowered import lowered

    source = b"""
import sqlite3
import connexion

def find(name):
    sqlite3.connect("app.db").execute("SELECT * FROM t WHERE name = '" + name + "'")
"""
    description = (
        b"openapi: 3.0.1\npaths:\n  /find/{name}:\n    get:\n      operationId: api.find\n"
    )
    files = lowered({"api.py": source}, None)

    def found(documents: dict[str, bytes]) -> list[str]:
        routes = operations(documents)
        outcome = analyse(files, shipped("python"), shipped_kinds(), routes=routes)
        return [one.label for one in outcome.found if one.label == "web"]

    assert found({"openapi.yaml": description}) == ["web"]
    assert found({}) == []
