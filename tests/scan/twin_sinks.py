"""Where a value `bar` does harm, by kind.

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
