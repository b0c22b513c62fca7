"""What JavaScript routes lack: twins that differ by what is missing only."""

from __future__ import annotations

import pytest

from headgate.scan.absence.javascript import lacks_of
from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.front.lowered import lowered

EXPRESS = """
const express = require("express");
const bcrypt = require("bcrypt");
const { Order, User, Note } = require("./models");
const { requireLogin, isAdmin } = require("./auth");
const app = express();
"""
GUARD = """
exports.requireLogin = (req, res, next) => (req.session.userId ? next() : res.sendStatus(401));
exports.isAdmin = (req, res, next) => next();
"""


def asked(files: dict[str, str] | str, kind: str = "") -> set[tuple[str, str]]:
    """The kinds of what is missing, and what lacks it; of one kind, when one is named."""
    given = {"app.js": EXPRESS + files, "auth.js": GUARD} if isinstance(files, str) else files
    modules = lowered({path: text.encode() for path, text in given.items()}, None)
    found = {(one.kind, one.subject) for one in lacks_of(modules)}
    return {one for one in found if one[0] == kind} if kind else found


def subjects(files: dict[str, str] | str, kind: str) -> set[str]:
    return {subject for _, subject in asked(files, kind)}


# Who calls


def test_a_route_whose_siblings_ask_who_calls_is_asked_about() -> None:
    found = subjects("""
        app.post("/a", requireLogin, async (req, res) => { await Note.create({ a: 1 }); });
        app.put("/b/:id", requireLogin, async (req, res) => { await Note.update({ a: 1 }); });
        app.delete("/c/:id", async (req, res) => { await Note.destroy(); });
        app.get("/about", (req, res) => res.send("us"));
    """, "missing-authentication")  # fmt: skip
    assert found == {"DELETE /c/:id"}


def test_where_nobody_signs_in_nobody_is_asked_for() -> None:
    text = 'app.post("/a", async (req, res) => { await Note.create({ a: 1 }); });'
    assert subjects(text, "missing-authentication") == set()


def test_what_asks_for_a_role_before_a_route_asks_who_calls() -> None:
    found = subjects("""
        const vet = (req, res, next) => (req.session.role === "vet" ? next() : res.sendStatus(403));
        const open = (req, res, next) => (req.hostname === "a" ? next() : res.sendStatus(403));
        app.post("/a", requireLogin, async (req, res) => { await Note.create({ a: 1 }); });
        app.put("/b/:id", requireLogin, async (req, res) => { await Note.update({ a: 1 }); });
        app.delete("/c/:id", vet, async (req, res) => { await Note.destroy(); });
        app.delete("/d/:id", open, async (req, res) => { await Note.destroy(); });
    """, "missing-authentication")  # fmt: skip
    assert found == {"DELETE /d/:id"}


def test_what_a_router_uses_counts_for_what_comes_after_it_and_below_its_path() -> None:
    found = subjects("""
        const router = express.Router();
        router.post("/before", async (req, res) => { await Note.create({ a: 1 }); });
        router.use(requireLogin);
        router.post("/after", async (req, res) => { await Note.create({ a: 1 }); });
        app.use("/admin", requireLogin);
        app.post("/admin/x", async (req, res) => { await Note.create({ a: 1 }); });
        app.post("/administer", async (req, res) => { await Note.create({ a: 1 }); });
    """, "missing-authentication")  # fmt: skip
    assert found == {"POST /before", "POST /administer"}


def test_what_runs_before_a_router_in_another_file_counts_for_its_routes() -> None:
    routes = """
        const { Router } = require("express");
        const notes = require("../controllers/notes");
        const router = Router();
        router.post("/", notes.keep);
        router.route("/:id").get(notes.show).delete(wrap(notes.drop));
        module.exports = router;
    """
    controller = """
        exports.keep = async (req, res) => { await Note.create({ a: 1 }); };
        exports.show = async (req, res) => res.json({});
        exports.drop = async (req, res) => { await Note.destroy(); };
    """
    files = {"routes/notes.js": routes, "controllers/notes.js": controller, "auth.js": GUARD}
    open_ = 'app.use("/notes", require("./routes/notes"));\napp.use(requireLogin);'
    closed = 'app.use("/notes", requireLogin, require("./routes/notes"));'
    first = 'app.use(requireLogin);\napp.use("/notes", require("./routes/notes"));'
    also = '\napp.get("/me", requireLogin, (req, res) => res.json({}));'
    for text, wanted in (
        (open_, {"POST /notes/", "DELETE /notes/:id"}),
        (closed, set()),
        (first, set()),
    ):
        given = {**files, "app.js": EXPRESS + text + also}
        assert subjects(given, "missing-authentication") == wanted


def test_routes_that_a_function_is_given_the_application_for() -> None:
    routes = """module.exports = function (app) {
        app.post("/notes", async (req, res) => { await Note.create({ a: 1 }); });
    };"""
    files = {"routes.js": routes, "auth.js": GUARD}
    also = 'app.get("/me", requireLogin, (req, res) => res.json({}));\n'
    after = EXPRESS + also + 'app.use(requireLogin);\nrequire("./routes")(app);'
    before = EXPRESS + also + 'require("./routes")(app);\napp.use(requireLogin);'
    assert subjects({**files, "app.js": after}, "missing-authentication") == set()
    assert subjects({**files, "app.js": before}, "missing-authentication") == {"POST /notes"}


FASTIFY = """
import Fastify from "fastify";
import { verifyToken } from "./auth";
const fastify = Fastify();
fastify.get("/me", { preHandler: verifyToken }, async (request) => ({}));
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('fastify.post("/a", async (request) => { await db.insert({}); });', {"POST /a"}),
        (
            'fastify.post("/a", { onRequest: [verifyToken] }, '
            "async (r) => { await db.insert({}); });",
            set[str](),
        ),
        (
            'fastify.route({ method: "POST", url: "/a", '
            "handler: async (r) => { await db.insert({}); } });",
            {"POST /a"},
        ),
        (
            'fastify.route({ method: "POST", url: "/a", preHandler: verifyToken, '
            "handler: async (r) => { await db.insert({}); } });",
            set[str](),
        ),
        (
            'fastify.post("/a", async (request) => { await db.insert({}); });\n'
            'fastify.addHook("onRequest", verifyToken);',
            set[str](),
        ),
        (
            "fastify.register(async (inner) => {\n"
            '  inner.addHook("preHandler", verifyToken);\n'
            '  inner.post("/a", async (request) => { await db.insert({}); });\n'
            '}, { prefix: "/v1" });\n'
            'fastify.post("/b", async (request) => { await db.insert({}); });',
            {"POST /b"},
        ),
    ],
)  # fmt: skip
def test_fastify_asks_in_options_hooks_and_plugins(text: str, wanted: set[str]) -> None:
    assert subjects({"app.ts": FASTIFY + text}, "missing-authentication") == wanted


def test_koa_asks_in_middleware_and_by_the_state_of_the_context() -> None:
    head = """
        import Koa from "koa";
        import Router from "@koa/router";
        const router = new Router({ prefix: "/api" });
    """
    text = """
        router.post("/a", async (ctx) => { await db.insert({ user: ctx.state.user.id }); });
        router.post("/b", async (ctx) => { await db.insert({}); });
        router.post("/c", jwt({ secret }), async (ctx) => { await db.insert({}); });
    """
    assert subjects({"app.js": head + text}, "missing-authentication") == {"POST /b"}


NEXT = {
    "app/api/notes/[id]/route.ts": """
        import { NextResponse } from "next/server";
        import { auth } from "@/auth";
        export async function DELETE(request: Request, { params }) {
          await db.note.delete({ where: { id: params.id } });
          return NextResponse.json({});
        }
        export async function PUT(request: Request, { params }) {
          const session = await auth();
          await db.note.update({ where: { id: params.id, userId: session.user.id } });
        }
    """
}


def test_next_asks_in_its_handlers_or_before_all_of_them() -> None:
    wanted = {"DELETE /api/notes/[id]"}
    assert subjects(NEXT, "missing-authentication") == wanted
    before = (
        "import { getToken } from 'next-auth/jwt';\n"
        "export async function middleware(request) { await getToken({}); }"
    )
    assert subjects({**NEXT, "middleware.ts": before}, "missing-authentication") == set()
    page = """
        import { getServerSession } from "next-auth/next";
        export default async function handler(req, res) {
          if (req.method === "POST") { await db.note.create({ data: {} }); }
        }
    """
    session = "const s = await getServerSession(req, res);"
    asks = page.replace("if (req", session + " if (req")
    both = {"pages/api/notes.ts": page, "pages/api/mine.ts": asks}
    assert subjects(both, "missing-authentication") == {"POST /api/notes"}


# Whose it is

OWNERS = [
    ('Order.findById(req.params.id)', "", True),
    ("Order.findByPk(id)", "const { id } = req.params;", True),
    ("Order.findOne({ _id: req.params.id, userId: req.session.userId })", "", False),
    ("Order.findById(req.params.id)", "if (order.owner !== req.user.id) return;", False),
    ("Order.findById(config.first)", "", False),
    ("Colour.findById(req.params.id)", "", False),
]  # fmt: skip


@pytest.mark.parametrize(("fetch", "more", "wanted"), OWNERS)
def test_an_object_that_is_fetched_by_a_number_only(fetch: str, more: str, wanted: bool) -> None:
    path = "/colours/:id" if "Colour" in fetch else "/orders/:id"
    text = f"""app.get("{path}", requireLogin, async (req, res) => {{
        {more} const found = await {fetch}; res.json({{ total: found.total }});
    }});"""
    assert bool(subjects(text, "missing-owner-check")) is wanted


def test_who_may_do_everything_may_have_everything() -> None:
    text = """app.get("/orders/:id", requireLogin, isAdmin, async (req, res) => {
        res.json({ total: (await Order.findById(req.params.id)).total });
    });"""
    assert subjects(text, "missing-owner-check") == set()


# Requests from other sites

SESSION = 'const session = require("express-session");\napp.use(session({ secret, cookie: {} }));\n'
CHANGE = 'app.post("/a", requireLogin, async (req, res) => { await Note.create({ a: 1 }); });'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (SESSION + CHANGE, {"POST /a"}),
        (SESSION.replace("cookie: {}", 'cookie: { sameSite: "lax" }') + CHANGE, set[str]()),
        (SESSION + 'app.use(require("csurf")());' + CHANGE, set[str]()),
        (CHANGE, set[str]()),
        (SESSION + CHANGE.replace("post", "get"), set[str]()),
        (SESSION + CHANGE.replace("requireLogin", "checkJwt"), set[str]()),
    ],
)
def test_a_change_on_a_request_that_a_browser_sends_by_itself(text: str, wanted: set[str]) -> None:
    assert subjects(text, "missing-csrf-protection") == wanted


# How often

SIGN_IN = """app.post("/login", async (req, res) => {
    const user = await User.findOne({ email: req.body.email });
    if (await bcrypt.compare(req.body.password, user.hash)) req.session.userId = user.id;
});"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (SIGN_IN, {"POST /login"}),
        (SIGN_IN.replace('"/login", ', '"/login", loginLimiter, '), set[str]()),
        ('app.use(rateLimit({ max: 5 }));\n' + SIGN_IN, set[str]()),
        (SIGN_IN + '\napp.use(rateLimit({ max: 5 }));', {"POST /login"}),
        ('app.use("/files", rateLimit({ max: 5 }));\n' + SIGN_IN, {"POST /login"}),
        (SIGN_IN.replace("const user", "if (attempts[req.ip] > 5) return; const user"), set[str]()),
        (SIGN_IN.replace("/login", "/register"), set[str]()),
    ],
)  # fmt: skip
def test_a_sign_in_that_may_be_tried_without_end(text: str, wanted: set[str]) -> None:
    assert subjects(text, "missing-rate-limit") == wanted


# What may come


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('const multer = require("multer"); const up = multer({ dest: "up" });', {"multer"}),
        (
            'const multer = require("multer"); '
            'const up = multer({ dest: "up", limits: { fileSize: 9 } });',
            set[str](),
        ),
        ('const multer = require("multer"); const up = multer(options);', set[str]()),
        ('const up = require("express-fileupload"); app.use(up());', {"express-fileupload"}),
        (
            'const up = require("express-fileupload"); app.use(up({ limits: { fileSize: 9 } }));',
            set[str](),
        ),
        ('const formidable = require("formidable"); formidable({}).parse(req);', {"formidable"}),
        (
            'const formidable = require("formidable"); new formidable.IncomingForm().parse(req);',
            {"formidable"},
        ),
        (
            'const formidable = require("formidable"); formidable({ maxFileSize: 9 }).parse(req);',
            set[str](),
        ),
        (
            'const multipart = require("@fastify/multipart"); fastify.register(multipart);',
            {"@fastify/multipart"},
        ),
        (
            'const multipart = require("@fastify/multipart"); '
            "fastify.register(multipart, { limits: { fileSize: 9 } });",
            set[str](),
        ),
    ],
)
def test_an_upload_of_any_size(text: str, wanted: set[str]) -> None:
    assert subjects(text, "missing-upload-limits") == wanted


def keep(body: str, before: str = "") -> str:
    return f'app.post("/a", {before}async (req, res) => {{ {body} }});'


KEPT = [
    keep("await Note.create(req.body);"),
    keep("const data = req.body; await new Note(data).save();"),
    keep("await db.collection('a').insertOne({ ...req.body, at: Date.now() });"),
    keep("await Note.findByIdAndUpdate(req.params.id, { $set: req.body });"),
    keep("Object.assign(note, req.body); await note.save();"),
    keep("notes.push(req.body);"),
    keep("fs.writeFileSync('a.json', JSON.stringify(req.body));"),
    keep("await axios.post(url, req.body);"),
    keep("await prisma.note.create({ data: req.body });"),
]
LOOKED_AT = [
    keep("const data = noteSchema.parse(req.body); await Note.create(data);"),
    keep("await Note.create(req.body);", "validate(noteSchema), "),
    keep("await Note.create(req.body);", "celebrate({ body }), "),
    keep("await Note.create({ text: String(req.body.text) });"),
    keep("if (typeof req.body !== 'object') return; await Note.create(req.body);"),
    keep("await Note.create(pick(req.body, ['text']));"),
    keep("const { text } = req.body; await Note.create({ text });"),
    keep("res.json(req.body);"),
    keep("await Note.create(req.body);").replace("post", "get"),
]


@pytest.mark.parametrize("text", KEPT)
def test_a_body_that_is_kept_as_it_came(text: str) -> None:
    assert subjects(text, "missing-validation") == {"POST /a"}


@pytest.mark.parametrize("text", LOOKED_AT)
def test_a_body_that_is_looked_at_or_not_kept(text: str) -> None:
    assert subjects(text, "missing-validation") == set()


def test_bodies_in_fastify_with_and_without_a_schema_and_in_next() -> None:
    bare = (
        'fastify.post("/a", { preHandler: verifyToken }, '
        "async (request) => { await db.insertOne(request.body); });"
    )
    schema = bare.replace("{ preHandler", "{ schema: { body: note }, preHandler")
    assert subjects({"app.js": FASTIFY + bare}, "missing-validation") == {"POST /a"}
    assert subjects({"app.js": FASTIFY + schema}, "missing-validation") == set()
    route = """
        import { NextResponse } from "next/server";
        export async function POST(request) {
          const body = await request.json();
          await db.insertOne(body);
        }
    """
    assert subjects({"app/api/a/route.js": route}, "missing-validation") == {"POST /api/a"}
    checked = route.replace("await request.json()", "z.object({}).parse(await request.json())")
    assert subjects({"app/api/a/route.js": checked}, "missing-validation") == set()


# Passwords and secrets


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("", {"POST /change-password"}),
        ("if (!(await bcrypt.compare(req.body.oldPassword, user.hash))) return;", set[str]()),
    ],
)
def test_a_password_that_is_changed_without_the_old_one(more: str, wanted: set[str]) -> None:
    text = f"""app.post("/change-password", requireLogin, async (req, res) => {{
        const user = await User.findById(req.session.userId); {more}
        user.password = await bcrypt.hash(req.body.password, 12); await user.save();
    }});"""
    assert subjects(text, "password-change-without-old") == wanted


MODEL = 'exports.User = mongoose.model("User", new Schema({ email: String, password: String }));'
HIDDEN = MODEL.replace("password: String", "password: { type: String, select: false }")
ANSWERS = [
    ("res.json(user);", MODEL, True),
    ("res.send({ user });", MODEL, True),
    ("res.json({ hash: user.password });", MODEL, True),
    ("res.json({ email: user.email });", MODEL, False),
    ("res.json(user);", HIDDEN, False),
    ("res.json(toDto(user));", MODEL, False),
]


@pytest.mark.parametrize(("answer", "model", "wanted"), ANSWERS)
def test_an_answer_that_holds_a_password(answer: str, model: str, wanted: bool) -> None:
    text = f"""app.get("/u/:id", async (req, res) => {{
        const user = await User.findById(req.params.id); {answer}
    }});"""
    files = {"app.js": EXPRESS + text, "models.js": model, "auth.js": GUARD}
    assert bool(subjects(files, "secret-in-response")) is wanted


# All of it


def test_calls_that_are_no_routes_and_files_without_a_framework_are_left_alone() -> None:
    text = """
        axios.get("/users/1", () => 1);
        client.post("/users", (x) => Note.create(x));
        cache.get("/a");
    """
    assert asked(text) == set()
    assert asked({"a.js": 'app.post("/a", (req) => Note.create(req.body));'}) == set()


def test_what_is_missing_ends_in_a_question_and_says_what_to_do_in_javascript() -> None:
    files = [
        SourceFile("app.js", (EXPRESS + SIGN_IN).encode()), SourceFile("auth.js", GUARD.encode())
    ]  # fmt: skip
    found = [hit.finding for hit in JavaScriptFlow().scan(files).hits]
    (one,) = [f for f in found if f.rule == "javascript/missing-rate-limit"]
    assert one.message.endswith("What stops somebody from trying a million passwords here?")
    assert "`POST /login` checks a password" in one.message
    assert "express-rate-limit" in one.remedy
    assert one.confidence.word == "low"


def test_routes_that_use_each_other_in_a_circle_end() -> None:
    text = """
        const a = express.Router(); const b = express.Router();
        a.use("/b", b); b.use("/a", a); a.use(a);
        b.post("/x", requireLogin, (req, res) => res.end());
        const f = () => g(); const g = () => f(); app.post("/y", f);
    """
    assert asked(text, "missing-validation") == set()
