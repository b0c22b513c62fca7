"""Routes that keep what a request holds, looked at or not: twins that differ by that only."""

from __future__ import annotations

import textwrap

import pytest

from headgate.scan.absence.every import every_lack
from headgate.scan.flow.program import Program
from headgate.scan.flow.rules import Rules
from headgate.scan.front.python import lower
from headgate.scan.packs.load import shipped, shipped_kinds

RULES = Rules(shipped("python"), shipped_kinds())
FLASK = """
import json, re, requests
from flask import Flask, request
from models import Note, NoteSchema, db
app = Flask(__name__)
NOTES = {}

@app.post("/notes")
def keep():
"""
FASTAPI = """
from fastapi import FastAPI, Request, Body
from pydantic import BaseModel
from models import notes, Note
app = FastAPI()

class Given(BaseModel):
    text: str

@app.post("/notes")
"""
DJANGO = """
import json
from django.http import JsonResponse
from django.urls import path
from django.views import View
from .models import Note
from .forms import NoteForm

urlpatterns = [path("notes", keep)]
"""
AIOHTTP = """
from aiohttp import web
routes = web.RouteTableDef()

@routes.post("/notes")
async def keep(request):
"""
TORNADO = """
import json
import tornado.web

class Keep(tornado.web.RequestHandler):
    def post(self):
"""
BOTTLE = """
from bottle import post, request
from store import notes

@post("/notes")
def keep():
"""


def asked(text: str) -> bool:
    """Whether the one route of a file is asked what a request may hold."""
    data = {"app.py": text.encode()}
    program = Program(lambda path: lower(data[path]), data)
    kinds = [one.kind for one in every_lack(program, RULES) if one.kind == "missing-validation"]
    assert len(kinds) < 2
    return bool(kinds)


def body(head: str, text: str) -> str:
    indent = "        " if head is TORNADO else "    "
    return head + textwrap.indent(textwrap.dedent(text).strip("\n"), indent) + "\n"


def whole(head: str, text: str) -> str:
    return head + textwrap.dedent(text).strip("\n") + "\n"


BAD = {
    "flask-document": body(FLASK, "db.notes.insert_one(request.get_json())"),
    "flask-spread": body(FLASK, """
        data = request.json or {}
        note = Note(**data)
        db.session.add(note)
        db.session.commit()
        """),
    "flask-values": body(FLASK, """
        data = request.get_json()
        db.session.add(Note(text=data["text"], pages=data.get("pages")))
        db.session.commit()
        """),
    "flask-form": body(FLASK, "db.notes.insert_one(request.form.to_dict())"),
    "flask-file": body(FLASK, """
        with open("notes.json", "w") as file:
            json.dump(request.get_json(), file)
        """),
    "flask-attributes": body(FLASK, """
        note = Note.query.get(1)
        for key, value in request.json.items():
            setattr(note, key, value)
        data = request.json
        for key in data:
            setattr(note, key, data[key])
        db.session.commit()
        """),
    "flask-memory": body(FLASK, """
        data = request.get_json()
        if not data:
            return {}, 400
        NOTES[1] = data
        """),
    "flask-call-out": body(FLASK, """
        return requests.post("https://notes.example", json=request.get_json()).json()
        """),
    "flask-sql": body(FLASK, """
        data = request.get_json()
        db.execute("INSERT INTO note (text) VALUES (?)", (data["text"],))
        """),
    "fastapi-dict": whole(FASTAPI, """
        async def keep(given: dict):
            await notes.insert_one(given)
        """),
    "fastapi-body": whole(FASTAPI, """
        async def keep(given=Body(...)):
            await notes.insert_one(given)
        """),
    "fastapi-request": whole(FASTAPI, """
        async def keep(request: Request):
            given = await request.json()
            await notes.insert_one(given)
        """),
    "django-json": whole(DJANGO, """
        def keep(request):
            data = json.loads(request.body)
            Note.objects.create(**data)
            return JsonResponse({})
        """),
    "django-rest": whole(DJANGO, """
        from rest_framework.views import APIView
        class Keep(APIView):
            def post(self, request):
                Note.objects.create(**request.data)
        """),
    "aiohttp": body(AIOHTTP, """
        data = await request.json()
        await request.app["db"].insert_one(data)
        """),
    "tornado": body(TORNADO, """
        data = json.loads(self.request.body)
        self.application.db.insert_one(data)
        """),
    "bottle": body(BOTTLE, "notes.insert_one(request.json)"),
}  # fmt: skip
GOOD = {
    "flask-schema": body(FLASK, "db.notes.insert_one(NoteSchema().load(request.get_json()))"),
    "flask-wtforms": body(FLASK, """
        form = NoteForm(request.form)
        if form.validate():
            db.notes.insert_one(form.data)
        """),
    "flask-jsonschema": body(FLASK, """
        data = request.get_json()
        jsonschema.validate(data, NOTE)
        db.notes.insert_one(data)
        """),
    "flask-by-hand": body(FLASK, """
        data = request.get_json()
        if not isinstance(data.get("text"), str):
            return {}, 400
        db.session.add(Note(text=data["text"]))
        db.session.commit()
        """),
    "flask-length": body(FLASK, """
        data = request.get_json()
        if len(data["text"]) > 100:
            return {}, 400
        db.notes.insert_one(data)
        """),
    "flask-chosen": body(FLASK, """
        data = request.get_json()
        kept = {key: value for key, value in data.items() if key in ("text", "title")}
        db.notes.insert_one(kept)
        """),
    "flask-converted": body(FLASK, """
        data = request.get_json()
        db.session.add(Note(pages=int(data["pages"])))
        db.session.commit()
        """),
    "flask-asked": body(FLASK, """
        data = request.get_json()
        if data["kind"] not in ("a", "b"):
            return {}, 400
        db.session.add(Note(kind=data["kind"]))
        db.session.commit()
        """),
    "flask-form-text": body(FLASK, """
        db.session.add(Note(text=request.form["text"]))
        db.session.commit()
        """),
    "flask-not-kept": body(FLASK, """
        data = request.get_json()
        return {"length": data}
        """),
    "flask-read-only": FLASK.replace("post", "get") + "    return {'q': dict(request.args)}\n",
    "fastapi-model": whole(FASTAPI, """
        async def keep(given: Given):
            await notes.insert_one(given.model_dump())
        """),
    "fastapi-path": whole(FASTAPI.replace('"/notes"', '"/notes/{name}"'), """
        async def keep(name: object):
            await notes.insert_one(name)
        """),
    "django-form": whole(DJANGO, """
        def keep(request):
            form = NoteForm(request.POST)
            if form.is_valid():
                Note.objects.create(**form.cleaned_data)
            return JsonResponse({})
        """),
    "django-rest-serializer": whole(DJANGO, """
        from rest_framework.views import APIView
        class Keep(APIView):
            def post(self, request):
                serializer = NoteSerializer(data=request.data)
                serializer.is_valid(raise_exception=True)
                Note.objects.create(**serializer.validated_data)
        """),
    "aiohttp-model": body(AIOHTTP, """
        data = Note.parse_obj(await request.json())
        await request.app["db"].insert_one(data.dict())
        """),
    "tornado-checked": body(TORNADO, """
        data = json.loads(self.request.body)
        check_note(data)
        self.application.db.insert_one(data)
        """),
    "bottle-converted": body(BOTTLE, """
        data = cerberus.Validator(NOTE).validated(request.json)
        notes.insert_one(data)
        """),
}  # fmt: skip


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_came_is_kept_unlooked_at(text: str) -> None:
    assert asked(text)


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_came_is_looked_at_or_not_kept(text: str) -> None:
    assert not asked(text)
