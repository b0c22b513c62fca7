"""Where a value `bar` does harm, by kind; and pairs that belong to one kind only.

`{v}` stands for the value. PAGE and REDIRECT stand for what the frame does to answer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Harm:
    """One way in which a text is used."""

    kind: str
    lines: str
    imports: str = ""
    module: str = ""
    answers: bool = False
    """Whether the lines end the handler."""
    frames: str = ""
    """Only frames whose name begins so."""


@dataclass(frozen=True)
class Pair:
    """The same use with and without what protects."""

    kind: str
    name: str
    bad: str
    good: str
    imports: str = ""
    module: str = ""
    answers: bool = False
    frames: str = ""


_CONNECT = 'connection = sqlite3.connect("app.db")\n'

HARMS: tuple[Harm, ...] = (
    Harm(
        "sql-injection",
        _CONNECT + 'connection.execute("SELECT id FROM item WHERE name = \'" + {v} + "\'")',
        "import sqlite3",
    ),
    Harm(
        "sql-injection",
        _CONNECT
        + "cursor = connection.cursor()\nquery = f\"DELETE FROM item WHERE name = '{{{v}}}'\"\ncursor.execute(query)",
        "import sqlite3",
    ),
    Harm(
        "sql-injection",
        "find(connection(), {v})",
        "import sqlite3",
        'def connection():\n    return sqlite3.connect("app.db")\n\n\ndef find(db, name):\n'
        "    cursor = db.cursor()\n    cursor.execute(\"SELECT id FROM item WHERE name = '%s'\" % name)\n    return cursor.fetchall()\n",
    ),
    Harm(
        "sql-injection",
        "Items().named({v})",
        "import psycopg2",
        'class Items:\n    def __init__(self):\n        self.connection = psycopg2.connect("dbname=app")\n\n'
        "    def named(self, name):\n        with self.connection.cursor() as cursor:\n"
        "            cursor.execute(\"SELECT * FROM item WHERE name = '{}'\".format(name))\n            return cursor.fetchone()\n",
    ),
    Harm(
        "sql-injection",
        'with engine.begin() as connection:\n    connection.execute(text("UPDATE item SET name = \'" + {v} + "\'"))',
        "from sqlalchemy import create_engine, text",
        'engine = create_engine("sqlite://")',
    ),
    Harm("command-injection", 'os.system("ls " + {v})', "import os"),
    Harm(
        "command-injection",
        'subprocess.run(f"ls {{{v}}}", shell=True, check=False)',
        "import subprocess",
    ),
    Harm(
        "command-injection",
        'subprocess.check_output(["bash", "-c", "ls " + {v}])',
        "import subprocess",
    ),
    Harm(
        "command-injection",
        "run({v})",
        "import subprocess",
        'def run(folder):\n    command = " ".join(["ls", folder])\n    return subprocess.Popen(command, shell=True)\n',
    ),
    Harm("command-injection", 'with os.popen("ls %s" % {v}) as out:\n    out.read()', "import os"),
    Harm("code-injection", "result = eval({v})"),
    Harm("code-injection", 'exec("value = " + {v})'),
    Harm("code-injection", 'code = compile({v}, "<text>", "exec")\nexec(code)'),
    Harm("path-traversal", 'with open("/srv/notes/" + {v}) as file:\n    file.read()'),
    Harm(
        "path-traversal",
        'path = os.path.join("/srv/notes", {v})\nif os.path.exists(path):\n    os.remove(path)',
        "import os",
    ),
    Harm(
        "path-traversal",
        'text = (Path("/srv/notes") / {v}).read_text()',
        "from pathlib import Path",
    ),
    Harm(
        "path-traversal",
        "store(Path(FOLDER), {v})",
        "from pathlib import Path",
        'FOLDER = "/srv/notes"\n\n\ndef store(folder, name):\n    target = folder.joinpath(name)\n    target.write_text("x")\n',
    ),
    Harm("xss", "PAGE", answers=True),
    Harm("open-redirect", "REDIRECT", answers=True),
    Harm("ssrf", "requests.get({v})", "import requests"),
    Harm("ssrf", 'urllib.request.urlopen("http://%s/status" % {v})', "import urllib.request"),
    Harm(
        "ssrf",
        'with httpx.Client() as client:\n    client.post(f"https://{{{v}}}.example.org/")',
        "import httpx",
    ),
    Harm(
        "ssrf",
        "fetch({v})",
        "import requests",
        "session = requests.Session()\n\n\ndef fetch(url):\n    return session.get(url, timeout=5)\n",
    ),
    Harm(
        "deserialisation",
        "state = pickle.loads(base64.urlsafe_b64decode({v}))",
        "import base64\nimport pickle",
    ),
    Harm("deserialisation", "state = yaml.load({v}, Loader=yaml.Loader)", "import yaml"),
    Harm("deserialisation", "state = yaml.unsafe_load({v})", "import yaml"),
    Harm(
        "xpath-injection",
        'found = tree.xpath("//item[@name=\'" + {v} + "\']")',
        "from lxml import etree",
        'tree = etree.parse("items.xml")',
    ),
    Harm(
        "xpath-injection",
        'root = ET.parse("items.xml").getroot()\nfound = root.findall(f"./item[name=\'{{{v}}}\']")',
        "import xml.etree.ElementTree as ET",
    ),
    Harm(
        "xpath-injection",
        'root = lxml.etree.parse("items.xml")\nquery = "/items/item[id=\'%s\']" % {v}\nnodes = elementpath.select(root, query)',
        "import elementpath\nimport lxml.etree",
    ),
    Harm(
        "ldap-injection",
        'connection = ldap.initialize("ldap://localhost")\nfound = connection.search_s("dc=example", ldap.SCOPE_SUBTREE, "(uid=" + {v} + ")")',
        "import ldap",
    ),
    Harm(
        "ldap-injection",
        'server = ldap3.Server("localhost")\nconnection = ldap3.Connection(server, auto_bind=True)\nconnection.search("dc=example", f"(uid={{{v}}})", attributes=["cn"])',
        "import ldap3",
    ),
    Harm("template-injection", 'Template("Hello " + {v}).render()', "from jinja2 import Template"),
    Harm(
        "template-injection",
        'page = Environment(autoescape=True).from_string(f"<p>{{{v}}}</p>")\npage.render()',
        "from jinja2 import Environment",
    ),
    Harm(
        "template-injection",
        "text = MakoTemplate({v}).render()",
        "from mako.template import Template as MakoTemplate",
    ),
    Harm(
        "nosql-injection",
        'users.find_one({{"$where": "this.name == \'" + {v} + "\'"}})',
        "from pymongo import MongoClient",
        'users = MongoClient()["app"]["users"]',
    ),
    Harm("redos", 'found = re.search({v}, "some text")', "import re"),
    Harm(
        "log-injection",
        'log.warning("looking for %s", {v})',
        "import logging",
        "log = logging.getLogger(__name__)",
    ),
    Harm("log-injection", 'logging.info("looking for " + {v})', "import logging"),
    Harm(
        "header-injection",
        'response = make_response("x")\nresponse.headers["X-Word"] = {v}',
        frames="flask",
    ),
    Harm("header-injection", 'self.set_header("X-Word", {v})', frames="tornado"),
    Harm("trust-boundary", 'session["word"] = {v}', "from flask import session", frames="flask"),
    Harm("trust-boundary", 'request.session["word"] = {v}', frames="django"),
    Harm(
        "prompt-injection",
        'client = OpenAI()\nclient.chat.completions.create(model="m", messages=[{{"role": "system", "content": "You help with " + {v}}}])',
        "from openai import OpenAI",
    ),
    Harm(
        "archive-extraction",
        'archive = tarfile.open(fileobj=io.BytesIO({v}.encode("latin-1")))\narchive.extractall("/srv/in")',
        "import io\nimport tarfile",
    ),
    Harm("xxe", "tree = etree.fromstring({v})", "from lxml import etree"),
)

PAIRS: tuple[Pair, ...] = (
    Pair(
        "sql-injection",
        "parameters",
        _CONNECT + "connection.execute(\"SELECT id FROM item WHERE name = '%s'\" % p)",
        _CONNECT + 'connection.execute("SELECT id FROM item WHERE name = ?", (p,))',
        "import sqlite3",
    ),
    Pair(
        "sql-injection",
        "named-parameters",
        _CONNECT
        + "connection.execute(\"SELECT id FROM item WHERE name = '{name}'\".format(name=p))",
        _CONNECT + 'connection.execute("SELECT id FROM item WHERE name = :name", {"name": p})',
        "import sqlite3",
    ),
    Pair(
        "sql-injection",
        "column-table",
        _CONNECT
        + 'column = COLUMNS.get(p, p)\nconnection.execute(f"SELECT id FROM item ORDER BY {column}")',
        _CONNECT
        + 'column = COLUMNS.get(p, "name")\nconnection.execute(f"SELECT id FROM item ORDER BY {column}")',
        "import sqlite3",
        'COLUMNS = {"name": "name", "price": "price"}',
    ),
    Pair(
        "sql-injection",
        "wrong-escape",
        _CONNECT
        + 'connection.execute("SELECT id FROM item WHERE name = \'" + html.escape(p, quote=False) + "\'")',
        _CONNECT + 'connection.execute("SELECT id FROM item WHERE name = ?", (html.escape(p),))',
        "import html\nimport sqlite3",
    ),
    Pair(
        "sql-injection",
        "placeholders",
        _CONNECT
        + 'words = p.split(",")\nmarks = ",".join(f"\'{word}\'" for word in words)\nconnection.execute(f"SELECT id FROM item WHERE name IN ({marks})")',
        _CONNECT
        + 'words = p.split(",")\nmarks = ",".join("?" for word in words)\nconnection.execute(f"SELECT id FROM item WHERE name IN ({marks})", words)',
        "import sqlite3",
    ),
    Pair(
        "sql-injection",
        "orm",
        'db.session.execute(text("SELECT * FROM item WHERE name = \'" + p + "\'"))',
        'db.session.execute(text("SELECT * FROM item WHERE name = :n"), {"n": p})',
        "from sqlalchemy import text\nfrom flask_sqlalchemy import SQLAlchemy",
        "db = SQLAlchemy()",
    ),
    Pair(
        "sql-injection",
        "identifier",
        'cursor.execute(sql.SQL("SELECT * FROM " + p))',
        'cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(p)))',
        "import psycopg2\nfrom psycopg2 import sql",
        'cursor = psycopg2.connect("dbname=app").cursor()',
    ),
    Pair(
        "sql-injection",
        "order-direction",
        _CONNECT
        + 'direction = "DESC" if p == "down" else p\nconnection.execute("SELECT id FROM item ORDER BY name " + direction)',
        _CONNECT
        + 'direction = "DESC" if p == "down" else "ASC"\nconnection.execute("SELECT id FROM item ORDER BY name " + direction)',
        "import sqlite3",
    ),
    Pair(
        "command-injection",
        "quoted",
        'os.system("ls " + json.dumps(p))',
        'os.system("ls " + shlex.quote(p))',
        "import json\nimport os\nimport shlex",
    ),
    Pair(
        "command-injection",
        "list",
        'subprocess.run("ls " + p, shell=True)',
        'subprocess.run(["ls", "--", p])',
        "import subprocess",
    ),
    Pair(
        "command-injection",
        "shell-variable",
        'use_shell = True\nsubprocess.call("ls " + p, shell=use_shell)',
        'use_shell = False\nsubprocess.call(["ls", "--", p], shell=use_shell)',
        "import subprocess",
    ),
    Pair(
        "command-injection",
        "program",
        'subprocess.run([p, "-l"])',
        'tools = {"list": "ls", "size": "du"}\nsubprocess.run([tools.get(p, "ls"), "-l"])',
        "import subprocess",
    ),
    Pair(
        "command-injection",
        "environment",
        'subprocess.run("ls $NAME; echo " + p, shell=True, env={"NAME": "x"})',
        'subprocess.run(["ls"], env={"NAME": p})',
        "import subprocess",
    ),
    Pair(
        "code-injection", "literal", "value = eval(p)", "value = ast.literal_eval(p)", "import ast"
    ),
    Pair(
        "code-injection",
        "dispatch",
        'value = eval(p + "()")',
        "value = ACTIONS[p]()",
        "",
        'def start():\n    return 1\n\n\nACTIONS = {"start": start}',
    ),
    Pair(
        "path-traversal",
        "basename",
        'open("/srv/" + os.path.normpath(p)).read()',
        'open("/srv/" + os.path.basename(p)).read()',
        "import os",
    ),
    Pair(
        "path-traversal",
        "secure-filename",
        'open("/srv/" + p.replace("../", "")).read()',
        'open("/srv/" + secure_filename(p)).read()',
        "from werkzeug.utils import secure_filename",
    ),
    Pair(
        "path-traversal",
        "resolved",
        'base = Path("/srv")\ntarget = (base / p).resolve()\nif not target.exists():\n    REJECT\ntarget.read_text()',
        'base = Path("/srv").resolve()\ntarget = (base / p).resolve()\nif not target.is_relative_to(base):\n    REJECT\ntarget.read_text()',
        "from pathlib import Path",
    ),
    Pair(
        "path-traversal",
        "real-path",
        'target = os.path.join("/srv/notes", p)\nif not target.startswith("/srv/notes/"):\n    REJECT\nopen(target).read()',
        'target = os.path.realpath(os.path.join("/srv/notes", p))\nif not target.startswith("/srv/notes/"):\n    REJECT\nopen(target).read()',
        "import os",
    ),
    Pair(
        "path-traversal",
        "dots",
        'if "~" in p:\n    REJECT\nopen("/srv/notes/" + p).read()',
        'if "../" in p:\n    REJECT\nopen("/srv/notes/" + p).read()',
    ),
    Pair(
        "path-traversal",
        "dots-and-slash",
        'if ".." in p:\n    print("strange")\nopen("/srv/notes/" + p).read()',
        'if ".." in p or p.startswith("/"):\n    REJECT\nopen(os.path.join("/srv/notes", p)).read()',
        "import os",
    ),
    Pair(
        "path-traversal",
        "common-path",
        'target = os.path.abspath(os.path.join("/srv", p))\nos.path.commonpath(["/srv", target])\nopen(target).read()',
        'target = os.path.abspath(os.path.join("/srv", p))\nif os.path.commonpath(["/srv", target]) != "/srv":\n    REJECT\nopen(target).read()',
        "import os",
    ),
    Pair(
        "path-traversal",
        "relative-to",
        'base = Path("/srv").resolve()\ntarget = (base / p).resolve()\ntarget.read_text()',
        'base = Path("/srv").resolve()\ntarget = (base / p).resolve()\ntry:\n    target.relative_to(base)\nexcept ValueError:\n    REJECT\ntarget.read_text()',
        "from pathlib import Path",
    ),
    Pair(
        "path-traversal",
        "random-name",
        'open("/srv/" + p + uuid.uuid4().hex, "w").write("x")',
        'open("/srv/" + uuid.uuid4().hex, "w").write(p)',
        "import uuid",
    ),
    Pair(
        "xss",
        "escaped",
        "bar = p.strip()\nPAGE",
        "bar = html.escape(p.strip())\nPAGE",
        "import html",
        answers=True,
    ),
    Pair(
        "xss",
        "markup",
        "bar = str(Markup(p))\nPAGE",
        "bar = str(escape(p))\nPAGE",
        "from markupsafe import Markup, escape",
        answers=True,
    ),
    Pair(
        "xss",
        "wrong-escape",
        "bar = shlex.quote(p)\nPAGE",
        "bar = urllib.parse.quote(p)\nPAGE",
        "import shlex\nimport urllib.parse",
        answers=True,
    ),
    Pair(
        "xss",
        "json",
        'return "<p>" + json.dumps({"p": p}) + "</p>"',
        'return jsonify({"p": p})',
        "import json\nfrom flask import jsonify",
        frames="flask",
        answers=True,
    ),
    Pair(
        "xss",
        "plain-text",
        'return Response("<p>" + p, mimetype="text/html")',
        'return Response("<p>" + p, mimetype="text/plain")',
        "from flask import Response",
        frames="flask",
        answers=True,
    ),
    Pair(
        "template-injection",
        "template",
        'return render_template_string("<p>{{ p|safe }}</p>" + p, p=p)',
        'return render_template_string("<p>{{ p }}</p>", p=p)',
        "from flask import render_template_string",
        frames="flask",
        answers=True,
    ),
    Pair("xss", "dict", 'return f"<p>{p}</p>"', 'return {"p": p}', frames="flask", answers=True),
    Pair(
        "xss",
        "status",
        'return f"<p>{p}</p>", 404',
        'return "<p>missing</p>", 404, {"X-Size": str(len(p))}',
        frames="flask",
        answers=True,
    ),
    Pair(
        "xss",
        "django-mark-safe",
        'return HttpResponse(mark_safe("<p>" + p + "</p>"))',
        'return HttpResponse(format_html("<p>{}</p>", p))',
        "from django.utils.safestring import mark_safe\nfrom django.utils.html import format_html",
        frames="django-q",
        answers=True,
    ),
    Pair(
        "xss",
        "django-json",
        "return HttpResponse(p)",
        'return JsonResponse({"p": p})',
        "from django.http import JsonResponse",
        frames="django-f",
        answers=True,
    ),
    Pair(
        "xss",
        "fastapi-dict",
        "return HTMLResponse(p)",
        'return {"p": p}',
        frames="fastapi",
        answers=True,
    ),
    Pair(
        "xss",
        "aiohttp-plain",
        'return web.Response(body=p.encode(), content_type="text/html")',
        "return web.Response(text=p)",
        frames="aiohttp",
        answers=True,
    ),
    Pair(
        "xss",
        "tornado-dict",
        "self.write(p)",
        'self.write({"p": p})',
        frames="tornado",
        answers=True,
    ),
    Pair(
        "open-redirect",
        "host-check",
        "target = urllib.parse.urlparse(p)\nif target.path:\n    bar = p\nelse:\n    bar = p\nREDIRECT",
        "target = urllib.parse.urlparse(p)\nif target.netloc or target.scheme:\n    REJECT\nbar = p\nREDIRECT",
        "import urllib.parse",
        answers=True,
    ),
    Pair(
        "open-redirect",
        "fixed-prefix",
        'bar = "https://" + p\nREDIRECT',
        'bar = "https://shop.example/items/" + p\nREDIRECT',
        answers=True,
    ),
    Pair(
        "open-redirect",
        "query",
        'bar = p + "?from=here"\nREDIRECT',
        'bar = "/search?" + urllib.parse.urlencode({"q": p})\nREDIRECT',
        "import urllib.parse",
        answers=True,
    ),
    Pair(
        "open-redirect",
        "names",
        'bar = {"home": "/"}.get(p, p)\nREDIRECT',
        'bar = {"home": "/", "shop": "/shop"}.get(p, "/")\nREDIRECT',
        answers=True,
    ),
    Pair(
        "ssrf",
        "path-only",
        'requests.get("https://" + p + "/items")',
        'requests.get("https://api.example/items/" + p)',
        "import requests",
    ),
    Pair(
        "ssrf",
        "parameters",
        'requests.get(p, params={"q": "x"})',
        'requests.get("https://api.example/", params={"q": p})',
        "import requests",
    ),
    Pair(
        "ssrf",
        "host-table",
        "requests.post(HOSTS.get(p, p))",
        "requests.post(HOSTS[p])",
        "import requests",
        'HOSTS = {"a": "https://a.example"}',
    ),
    Pair(
        "ssrf",
        "host-check",
        "host = urllib.parse.urlparse(p).hostname\nif not host:\n    REJECT\nrequests.get(p)",
        'host = urllib.parse.urlparse(p).hostname\nif host not in ("a.example", "b.example"):\n    REJECT\nrequests.get(p)',
        "import requests\nimport urllib.parse",
    ),
    Pair(
        "ssrf",
        "body",
        'requests.post("http://" + p, data="x")',
        'requests.post("http://log.example/", data=p)',
        "import requests",
    ),
    Pair(
        "deserialisation",
        "json",
        "pickle.loads(p.encode())",
        "json.loads(p)",
        "import json\nimport pickle",
    ),
    Pair(
        "deserialisation",
        "safe-load",
        "yaml.load(p, Loader=yaml.UnsafeLoader)",
        "yaml.load(p, Loader=yaml.SafeLoader)",
        "import yaml",
    ),
    Pair(
        "deserialisation", "safe-load-name", "yaml.full_load(p)", "yaml.safe_load(p)", "import yaml"
    ),
    Pair(
        "deserialisation",
        "own-data",
        "pickle.loads(base64.b64decode(p))",
        "pickle.loads(pickle.dumps(p))",
        "import base64\nimport pickle",
    ),
    Pair(
        "xpath-injection",
        "variable",
        "tree.xpath(\"//a[@n='%s']\" % p)",
        'tree.xpath("//a[@n=$n]", n=p)',
        "from lxml import etree",
        'tree = etree.parse("a.xml")',
    ),
    Pair(
        "ldap-injection",
        "escaped",
        'connection.search_s("dc=example", 2, "(uid=%s)" % p)',
        'connection.search_s("dc=example", 2, "(uid=%s)" % escape_filter_chars(p))',
        "import ldap\nfrom ldap.filter import escape_filter_chars",
        'connection = ldap.initialize("ldap://localhost")',
    ),
    Pair(
        "template-injection",
        "variable",
        'Template("Hi " + p).render()',
        'Template("Hi {{ p }}").render(p=p)',
        "from jinja2 import Template",
    ),
    Pair(
        "template-injection",
        "flask",
        "return render_template_string(p)",
        'return render_template_string("{{ p }}", p=p)',
        "from flask import render_template_string",
        frames="flask",
        answers=True,
    ),
    Pair(
        "nosql-injection",
        "operators",
        "users.find_one(json.loads(p))",
        'users.find_one({"name": str(p)})',
        "import json\nfrom pymongo import MongoClient",
        'users = MongoClient()["app"]["users"]',
    ),
    Pair(
        "nosql-injection",
        "where",
        'users.find({"$where": f"this.n == \'{p}\'"})',
        'users.find({"n": int(p)})',
        "from pymongo import MongoClient",
        "users = MongoClient().app.users",
    ),
    Pair(
        "redos",
        "escaped",
        "re.findall(p, TEXT)",
        "re.findall(re.escape(p), TEXT)",
        "import re",
        'TEXT = "text"',
    ),
    Pair(
        "redos", "text", 're.sub(p, "", TEXT)', 're.sub("a+", "", p)', "import re", 'TEXT = "text"'
    ),
    Pair(
        "log-injection",
        "lines",
        'logging.info("got " + p.strip())',
        'logging.info("got " + p.replace("\\r", "").replace("\\n", ""))',
        "import logging",
    ),
    Pair(
        "log-injection",
        "repr",
        'logging.error("got %s", p)',
        'logging.error("got %s", repr(p))',
        "import logging",
    ),
    Pair(
        "prompt-injection",
        "roles",
        'CLIENT.chat.completions.create(model="m", messages=[{"role": "system", "content": f"Be {p}"}])',
        'CLIENT.chat.completions.create(model="m", messages=[{"role": "system", "content": "Be kind"}, {"role": "user", "content": p}])',
        "from openai import OpenAI",
        "CLIENT = OpenAI()",
    ),
    Pair(
        "archive-extraction",
        "filter",
        'tarfile.open(fileobj=io.BytesIO(p.encode())).extractall("/srv")',
        'tarfile.open(fileobj=io.BytesIO(p.encode())).extractall("/srv", filter="data")',
        "import io\nimport tarfile",
    ),
    Pair(
        "xxe",
        "entities",
        "etree.fromstring(p, etree.XMLParser(resolve_entities=True))",
        "etree.fromstring(p, etree.XMLParser(resolve_entities=False))",
        "from lxml import etree",
    ),
    Pair(
        "xxe",
        "sax",
        "parser = xml.sax.make_parser()\nparser.setFeature(xml.sax.handler.feature_external_ges, True)\nparser.parse(io.StringIO(p))",
        "parser = xml.sax.make_parser()\nparser.setFeature(xml.sax.handler.feature_external_ges, False)\nparser.parse(io.StringIO(p))",
        "import io\nimport xml.sax\nimport xml.sax.handler",
    ),
    Pair(
        "weak-hash",
        "function",
        "digest = hashlib.md5(p.encode()).hexdigest()",
        "digest = hashlib.sha256(p.encode()).hexdigest()",
        "import hashlib",
    ),
    Pair(
        "weak-hash",
        "by-name",
        'name = "sha1"\ndigest = hashlib.new(name, p.encode())',
        'name = "sha512"\ndigest = hashlib.new(name, p.encode())',
        "import hashlib",
    ),
    Pair(
        "weak-hash",
        "purpose",
        "digest = hashlib.sha1(p.encode())",
        "digest = hashlib.sha1(p.encode(), usedforsecurity=False)",
        "import hashlib",
    ),
    Pair(
        "weak-cipher",
        "algorithm",
        "cipher = DES.new(p.encode(), DES.MODE_CBC)",
        "cipher = AES.new(p.encode(), AES.MODE_GCM)",
        "from Crypto.Cipher import AES, DES",
    ),
    Pair(
        "weak-mode",
        "mode",
        "cipher = AES.new(p.encode(), AES.MODE_ECB)",
        "cipher = AES.new(p.encode(), AES.MODE_EAX)",
        "from Crypto.Cipher import AES",
    ),
    Pair(
        "weak-randomness",
        "token",
        "token = str(random.getrandbits(64))",
        "token = secrets.token_hex(8)",
        "import random\nimport secrets",
    ),
    Pair(
        "weak-randomness",
        "session",
        'session["word"] = str(random.random())',
        'session["word"] = str(secrets.randbelow(9))',
        "import random\nimport secrets\nfrom flask import session",
        frames="flask",
    ),
    Pair(
        "weak-randomness",
        "purpose",
        "session_key = random.randint(1, 9)",
        "colour = random.randint(1, 9)",
        "import random",
    ),
    Pair(
        "insecure-cookie",
        "flags",
        'answer = make_response("x")\nanswer.set_cookie("a", "b", secure=False)',
        'answer = make_response("x")\nanswer.set_cookie("a", "b", secure=True, httponly=True, samesite="Lax")',
        frames="flask",
    ),
    Pair(
        "insecure-cookie",
        "django",
        'answer = HttpResponse("x")\nanswer.set_cookie("a", "b")',
        'answer = HttpResponse("x")\nanswer.set_cookie("a", "b", secure=True, httponly=True)',
        frames="django",
    ),
    Pair(
        "certificate-check-off",
        "argument",
        'requests.get("https://a.example", verify=False)',
        'requests.get("https://a.example", verify="ca.pem")',
        "import requests",
    ),
    Pair(
        "certificate-check-off",
        "context",
        "context = ssl._create_unverified_context()",
        "context = ssl.create_default_context()",
        "import ssl",
    ),
    Pair(
        "jwt-unverified",
        "option",
        'claims = jwt.decode(p, options={"verify_signature": False})',
        'claims = jwt.decode(p, os.environ["KEY"], algorithms=["HS256"])',
        "import jwt\nimport os",
    ),
    Pair(
        "insecure-temporary-file",
        "name",
        "name = tempfile.mktemp()",
        "handle, name = tempfile.mkstemp()",
        "import tempfile",
    ),
    Pair(
        "trust-boundary",
        "decided",
        'session["word"] = p',
        'session["word"] = "known" if p == "one" else "unknown"',
        "from flask import session",
        frames="flask",
    ),
    Pair(
        "header-injection",
        "lines",
        'answer = make_response("x")\nanswer.headers["X-A"] = p',
        'answer = make_response("x")\nanswer.headers["X-A"] = urllib.parse.quote(p)',
        "import urllib.parse",
        frames="flask",
    ),
    Pair(
        "code-injection",
        "model",
        "value = eval(ask(p))",
        'value = json.loads(ask(p))["value"]',
        "import json\nimport anthropic",
        'client = anthropic.Anthropic()\n\n\ndef ask(question):\n    message = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": question}])\n    return message.content[0].text\n',
    ),
)
