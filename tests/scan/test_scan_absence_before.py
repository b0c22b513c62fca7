"""What runs before a route counts for it; what administrators' and owners' routes lack."""

from __future__ import annotations

import textwrap

from headgate.scan.absence.every import every_lack
from headgate.scan.flow.program import Program
from headgate.scan.flow.rules import Rules
from headgate.scan.front.python import lower
from headgate.scan.packs.load import shipped, shipped_kinds

RULES = Rules(shipped("python"), shipped_kinds())


def asked(*kinds: str, **files: str) -> set[tuple[str, str]]:
    """Which of these kinds are missing, and what lacks it. Names of files without `.py`."""
    sources = {f"{name}.py": textwrap.dedent(text).encode() for name, text in files.items()}
    program = Program(lambda path: lower(sources[path]), sources)
    found = {(one.kind, one.subject) for one in every_lack(program, RULES)}
    return {one for one in found if one[0] in kinds}


FLASK = """
from functools import wraps
from flask import Flask, Blueprint, abort, request, session
from store import db
app = Flask(__name__)
def staff_only(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if not session.get("staff_id"):
            abort(401)
        return view(*args, **kwargs)
    return inner
def timed(view):
    @wraps(view)
    def inner(*args, **kwargs):
        return view(*args, **kwargs)
    return inner
"""


def test_a_decorator_of_the_project_that_refuses_some_asks_who_calls() -> None:
    two = """
@app.post("/a")
@staff_only
def one():
    db.session.commit()
@app.post("/b")
@staff_only
def two():
    db.session.commit()
"""
    other = '@app.post("/c")\n@{}\ndef three():\n    db.session.commit()\n'
    kind = "missing-authentication"
    assert asked(kind, app=FLASK + two + other.format("staff_only")) == set()
    assert asked(kind, app=FLASK + two + other.format("timed")) == {(kind, "three")}


FASTAPI = """
from typing import Annotated
from fastapi import APIRouter, Depends, Header, HTTPException
from pool import pool
async def member(authorization: Annotated[str, Header()]):
    if not authorization.startswith("Bearer "):
        raise HTTPException(401)
    return {"id": 1, "role": "reader"}
async def librarian(me=Depends(member)):
    if me["role"] != "librarian":
        raise HTTPException(403)
    return me
Member = Annotated[dict, Depends(member)]
Librarian = Annotated[dict, Depends(librarian)]
"""
BOOKS = """
from fastapi import APIRouter, Depends
from deps import Librarian, Member, librarian
router = APIRouter(prefix="/books"%s)
@router.post("/")
async def add(who: Librarian, title: str):
    await pool.execute("INSERT INTO books(title) VALUES ($1)", title)
@router.put("/{book_id}")
async def change(who: Librarian, book_id: int, title: str):
    await pool.execute("UPDATE books SET title=$1 WHERE id=$2", title, book_id)
@router.delete("/{book_id}")
async def delete(%sbook_id: int):
    await pool.execute("DELETE FROM books WHERE id=$1", book_id)
"""


def test_dependencies_count_wherever_they_are_named() -> None:
    kind = "missing-authentication"
    missing = {(kind, "delete")}
    assert asked(kind, deps=FASTAPI, books=BOOKS % ("", "")) == missing
    assert asked(kind, deps=FASTAPI, books=BOOKS % ("", "who: Librarian, ")) == set()
    assert (
        asked(kind, deps=FASTAPI, books=BOOKS % (", dependencies=[Depends(librarian)]", ""))
        == set()
    )
    main = """
    from fastapi import Depends, FastAPI
    import books
    from deps import librarian
    app = FastAPI()
    app.include_router(books.router%s)
    """
    plain = BOOKS % ("", "")
    assert asked(kind, deps=FASTAPI, books=plain, main=main % "") == missing
    given = main % ", dependencies=[Depends(librarian)]"
    assert asked(kind, deps=FASTAPI, books=plain, main=given) == set()


def test_hooks_of_a_blueprint_count_for_its_routes_only() -> None:
    text = """
    from flask import Blueprint, abort, session
    from store import db
    bp = Blueprint("bp", __name__)
    open_bp = Blueprint("open", __name__)
    @bp.before_request
    def gate():
        if not session.get("user_id"):
            abort(401)
    @bp.post("/a")
    def one():
        db.session.commit()
    @bp.post("/b")
    def two():
        db.session.commit()
    @open_bp.post("/c")
    def three():
        db.session.commit()
    """
    kind = "missing-authentication"
    assert asked(kind, app=text) == {(kind, "three")}


ADMIN = """
from flask import Flask
from flask_login import current_user, login_required
app = Flask(__name__)
@app.get("/admin/accounts")
@login_required
def accounts():
    if not current_user.is_admin:
        return "", 403
    return {}
@app.get("/admin/totals")
@login_required
def totals():
    %s
    return {"total": 1}
"""


def test_administrators_routes_test_rights_when_their_siblings_do() -> None:
    kind = "missing-authorisation"
    assert asked(kind, app=ADMIN % "pass") == {(kind, "totals")}
    assert asked(kind, app=ADMIN % 'assert current_user.role == "admin"') == set()


LOANS = """
from fastapi import APIRouter, HTTPException
from deps import Member
from pool import pool
router = APIRouter()
@router.get("/mine")
async def mine(me: Member):
    return await pool.fetch("SELECT id FROM loans WHERE member_id=$1", me["id"])
@router.get("/{loan_id}")
async def one(me: Member, loan_id: int):
    row = await pool.fetchrow("SELECT id, due FROM loans WHERE id=$1%s", loan_id)
    %s
    return dict(row)
@router.get("/book/{book_id}")
async def book(me: Member, book_id: int):
    return await pool.fetchrow("SELECT title FROM books WHERE id=$1", book_id)
"""


def test_rows_that_have_an_owner_are_taken_by_their_owner() -> None:
    kind = "missing-owner-check"
    assert asked(kind, deps=FASTAPI, loans=LOANS % ("", "pass")) == {(kind, "one")}
    assert asked(kind, deps=FASTAPI, loans=LOANS % (" AND member_id=$2", "pass")) == set()
    compared = 'if row["member_id"] != me["id"]: raise HTTPException(404)'
    assert asked(kind, deps=FASTAPI, loans=LOANS % ("", compared)) == set()
    text = """
    from flask import Flask, jsonify
    from guard import token_required
    from pymongo import MongoClient
    app = Flask(__name__)
    shop = MongoClient("mongodb://db").shop
    @app.get("/permits/<pid>")
    @token_required
    def permit(user_id, pid):
        return jsonify(shop.permits.find_one({"_id": pid%s}))
    @app.delete("/permits/<pid>")
    @token_required
    def revoke(user_id, pid):
        shop.permits.delete_one({"_id": pid, "owner": user_id})
        return ""
    """
    assert asked(kind, app=text % "") == {(kind, "permit")}
    assert asked(kind, app=text % ', "owner": user_id') == set()


def test_fields_that_a_caller_may_not_choose() -> None:
    kind = "mass-assignment"
    text = """
    from flask import Flask, request
    from flask_login import current_user
    from flask_wtf import FlaskForm
    from pymongo import MongoClient
    from wtforms import BooleanField, StringField
    app = Flask(__name__)
    shop = MongoClient("mongodb://db").shop
    class Account(FlaskForm):
        name = StringField()
        %s = BooleanField()
    @app.post("/account")
    def account():
        form = Account()
        if form.validate_on_submit():
            form.populate_obj(current_user)
        return ""
    @app.patch("/me")
    def me():
        shop.users.update_one({"_id": 1}, {"$set": %s})
        return ""
    """
    good = '{"city": request.get_json()["city"]}'
    assert asked(kind, app=text % ("news", good)) == set()
    bad = asked(kind, app=text % ("is_admin", "request.get_json()"))
    assert bad == {(kind, "account"), (kind, "me")}
    model = """
    from typing import Any
    from fastapi import FastAPI
    from pydantic import BaseModel
    from store import pool, save
    app = FastAPI()
    class Person(BaseModel):
        name: str
        %s: str = "reader"
    @app.post("/people")
    async def add(person: Person):
        save(person.model_dump())
    @app.patch("/me")
    async def change(body: %s):
        sets = ", ".join(f"{key} = ?" for key in body%s)
        await pool.execute(f"UPDATE people SET {sets}", *body.values())
    """
    assert asked(kind, app=model % ("shelf", "Person", ".model_dump()")) == set()
    bad = asked(kind, app=model % ("role", "dict[str, Any]", ""))
    assert bad == {(kind, "add"), (kind, "change")}


def test_limits_of_single_routes_do_not_count_for_others() -> None:
    text = """
    from flask import Flask, request
    from flask_limiter import Limiter
    from store import users
    app = Flask(__name__)
    limiter = Limiter(key_func, app=app%s)
    @app.post("/login")
    @limiter.limit("5 per minute")
    def login():
        return users.check(request.form["password"])
    @app.post("/kiosk/login")
    def kiosk_login():
        return users.check(request.form["pin"])
    """
    kind = "missing-rate-limit"
    assert asked(kind, app=text % "") == {(kind, "kiosk_login")}
    assert asked(kind, app=text % ', default_limits=["9 per hour"]') == set()


def test_a_token_of_a_form_may_be_compared_by_hand() -> None:
    text = """
    import hmac
    from flask import Flask, abort, request, session
    from store import connection
    app = Flask(__name__)
    @app.post("/close")
    def close():
        if not session.get("user_id"):
            abort(401)
        %s
        connection.execute("DELETE FROM plots WHERE label = ?", (request.form["label"],))
        return ""
    """
    kind = "missing-csrf-protection"
    checked = 'assert hmac.compare_digest(session["csrf"], request.form["csrf"])'
    assert asked(kind, app=text % "pass") == {(kind, "close")}
    assert asked(kind, app=text % checked) == set()


def test_a_limit_of_the_size_is_none_of_the_name() -> None:
    text = """
    import os, uuid
    from flask import Flask, request
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 1 << 20
    @app.post("/keep")
    def keep():
        sent = request.files["file"]
        sent.save(os.path.join("/srv", %s))
        return ""
    """
    kind = "missing-upload-limits"
    assert asked(kind, app=text % "sent.filename") == {(kind, "keep")}
    assert asked(kind, app=text % "uuid.uuid4().hex") == set()
