"""What does harm with a value `bar`, by kind; and single pairs that need no way to get there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Harm:
    """A use of `bar`."""

    kind: str
    name: str
    lines: str
    imports: str = ""
    module: str = ""


def _import(module: str, name: str) -> str:
    return f'import {name} from "{module}";'


HARMS = (
    Harm("command-injection", "exec", "exec('ls ' + bar); DONE;",
         _import("child_process", "{ exec }")),
    Harm("command-injection", "execSync", "cp.execSync(`ls ${bar}`); DONE;",
         _import("node:child_process", "* as cp")),
    Harm("command-injection", "shell", "spawn('sh', ['-c', 'ls ' + bar]); DONE;",
         _import("child_process", "{ spawn }")),
    Harm("sql-injection", "mysql", "db.query(\"SELECT * FROM t WHERE a = '\" + bar + \"'\"); DONE;",
         _import("mysql2", "mysql"), "const db = mysql.createConnection({});"),
    Harm("sql-injection", "pg", "await pool.query(`SELECT * FROM t WHERE a = '${bar}'`); DONE;",
         _import("pg", "{ Pool }"), "const pool = new Pool();"),
    Harm("sql-injection", "sequelize", "await db.query(`DELETE FROM t WHERE a = '${bar}'`); DONE;",
         _import("sequelize", "{ Sequelize }"), "const db = new Sequelize('x');"),
    Harm("sql-injection", "knex", "await db('t').whereRaw('a = ' + bar); DONE;",
         _import("knex", "knex"), "const db = knex({});"),
    Harm("path-traversal", "readFile", "await fs.promises.readFile('/srv/' + bar); DONE;",
         _import("fs", "fs")),
    Harm("path-traversal", "join", "createReadStream(path.join('/srv', bar)); DONE;",
         _import("path", "path") + "\n" + _import("fs", "{ createReadStream }")),
    Harm("path-traversal", "unlink", "await unlink(`/srv/${bar}`); DONE;",
         _import("fs/promises", "{ unlink }")),
    Harm("xss", "page", "PAGE;"),
    Harm("open-redirect", "redirect", "REDIRECT;"),
    Harm("ssrf", "axios", "await axios.get(bar); DONE;", _import("axios", "axios")),
    Harm("ssrf", "fetch", "await fetch('http://' + bar + '/x'); DONE;"),
    Harm("code-injection", "eval", "eval('1 + ' + bar); DONE;"),
    Harm("code-injection", "function", "new Function('return ' + bar)(); DONE;"),
    Harm("code-injection", "vm", "vm.runInNewContext(bar); DONE;", _import("vm", "vm")),
    Harm("template-injection", "ejs", "ejs.render('<p>' + bar); DONE;", _import("ejs", "ejs")),
    Harm("template-injection", "pug", "pug.compile(bar); DONE;", _import("pug", "pug")),
    Harm("xpath-injection", "xpath", "xpath.select(\"//a[b='\" + bar + \"']\", doc); DONE;",
         _import("xpath", "xpath"), "const doc = null;"),
    Harm("deserialisation", "node-serialize", "ser.unserialize(bar); DONE;",
         _import("node-serialize", "ser")),
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A harmful body and its twin, about how a value is used."""

    kind: str
    name: str
    bad: str
    good: str
    imports: str = ""
    module: str = ""


_FS = _import("fs", "fs") + "\n" + _import("path", "path")
_MONGO = _import("mongoose", "mongoose")
_USER = "const User = mongoose.model('User', {});"
PAIRS = (
    Pair("command-injection", "list", "cp.exec('ls ' + p); DONE;",
         "cp.execFile('ls', ['--', p]); DONE;", _import("child_process", "cp")),
    Pair("command-injection", "shell-option", "cp.spawn('ls', [p], { shell: true }); DONE;",
         "cp.spawn('ls', [p], { shell: false }); DONE;", _import("child_process", "cp")),
    Pair("sql-injection", "parameters", "await pool.query('SELECT * FROM t WHERE a = ' + p); DONE;",
         "await pool.query('SELECT * FROM t WHERE a = $1', [p]); DONE;",
         _import("pg", "{ Pool }"), "const pool = new Pool();"),
    Pair("sql-injection", "escaped", "db.query('SELECT * FROM t WHERE a = ' + p); DONE;",
         "db.query('SELECT * FROM t WHERE a = ' + mysql.escape(p)); DONE;",
         _import("mysql2", "mysql"), "const db = mysql.createConnection({});"),
    Pair("sql-injection", "replacements",
         "await db.query(`SELECT * FROM t WHERE a = ${p}`); DONE;",
         "await db.query('SELECT * FROM t WHERE a = :p', { replacements: { p } }); DONE;",
         _import("sequelize", "{ Sequelize }"), "const db = new Sequelize('x');"),
    Pair("sql-injection", "prisma", "await db.$queryRawUnsafe(`SELECT ${p}`); DONE;",
         "await db.$queryRaw`SELECT ${p}`; DONE;",
         _import("@prisma/client", "{ PrismaClient }"), "const db = new PrismaClient();"),
    Pair("path-traversal", "basename", "fs.readFileSync(path.join('/srv', p)); DONE;",
         "fs.readFileSync(path.join('/srv', path.basename(p))); DONE;", _FS),
    Pair("path-traversal", "below", "fs.readFileSync(path.resolve('/srv', p)); DONE;",
         "const full = path.resolve('/srv', p); if (!full.startsWith('/srv/')) { REJECT; }"
         " fs.readFileSync(full); DONE;", _FS),
    Pair("path-traversal", "dots", "if (p.includes('x')) { REJECT; } fs.readFileSync('/srv/' + p);"
         " DONE;",
         "if (p.includes('..')) { REJECT; } fs.readFileSync('/srv/' + p); DONE;", _FS),
    Pair("xss", "escaped", "const bar = '<p>' + p; PAGE;",
         "const bar = '<p>' + escapeHtml(p); PAGE;", _import("escape-html", "escapeHtml")),
    Pair("xss", "encoded", "const bar = '<p>' + p; PAGE;",
         "const bar = '<p>' + encodeURIComponent(p); PAGE;"),
    Pair("open-redirect", "own-path", "const bar = p; REDIRECT;",
         "const bar = '/users/' + p; REDIRECT;"),
    Pair("open-redirect", "own-host", "const bar = 'https://' + p; REDIRECT;",
         "const bar = 'https://example.com/?q=' + p; REDIRECT;"),
    Pair("ssrf", "own-host", "await axios.get('https://' + p); DONE;",
         "await axios.get('https://api.example.com/' + encodeURIComponent(p)); DONE;",
         _import("axios", "axios")),
    Pair("ssrf", "config", "await axios({ method: 'get', url: p }); DONE;",
         "await axios({ method: 'post', url: 'https://api.example.com/', data: p }); DONE;",
         _import("axios", "axios")),
    Pair("nosql-injection", "text", "await User.findOne({ name: p }); DONE;",
         "await User.findOne({ name: String(p) }); DONE;", _MONGO, _USER),
    Pair("nosql-injection", "where", "await User.find({ $where: 'this.a == ' + p }); DONE;",
         "await User.find({ a: Number(p) }); DONE;", _MONGO, _USER),
    Pair("nosql-injection", "typeof", "await User.findOne({ name: p }); DONE;",
         "if (typeof p !== 'string') { REJECT; } await User.findOne({ name: p }); DONE;",
         _MONGO, _USER),
    Pair("prototype-pollution", "merge", "_.merge({}, JSON.parse(p)); DONE;",
         "_.merge({}, { theme: p }.dark ? { a: 1 } : { a: 2 }); DONE;", _import("lodash", "_")),
    Pair("prototype-pollution", "set", "_.set({}, p, 1); DONE;", "_.set({}, 'a.b', 1); DONE;",
         _import("lodash", "_")),
    Pair("xxe", "noent", "libxmljs.parseXml(p, { noent: true }); DONE;",
         "libxmljs.parseXml(p); DONE;", _import("libxmljs", "libxmljs")),
    Pair("template-injection", "context", "ejs.render('<p>' + p); DONE;",
         "ejs.render('<p><%= p %>', { p }); DONE;", _import("ejs", "ejs")),
    Pair("redos", "pattern", "new RegExp(p).test('x'); DONE;", "new RegExp('^x').test(p); DONE;"),
    Pair("weak-hash", "md5", "crypto.createHash('md5').update(p); DONE;",
         "crypto.createHash('sha256').update(p); DONE;", _import("crypto", "crypto")),
    Pair("weak-mode", "ecb", "crypto.createCipheriv('aes-256-ecb', k, null); DONE;",
         "crypto.createCipheriv('aes-256-gcm', k, null); DONE;", _import("crypto", "crypto"),
         "const k = process.env.K;"),
    Pair("weak-cipher", "des", "crypto.createCipheriv('des-cbc', k, null); DONE;",
         "crypto.createCipheriv('aes-256-gcm', k, null); DONE;", _import("crypto", "crypto"),
         "const k = process.env.K;"),
    Pair("weak-randomness", "token", "const token = Math.random().toString(36); DONE;",
         "const token = crypto.randomBytes(16).toString('hex'); DONE;",
         _import("crypto", "crypto")),
    Pair("certificate-check-off", "agent",
         "new https.Agent({ rejectUnauthorized: false }); DONE;",
         "new https.Agent({ rejectUnauthorized: true }); DONE;", _import("https", "https")),
    Pair("jwt-unverified", "none", "jwt.verify(p, k, { algorithms: ['none'] }); DONE;",
         "jwt.verify(p, k, { algorithms: ['RS256'] }); DONE;", _import("jsonwebtoken", "jwt"),
         "const k = process.env.K;"),
    Pair("hard-coded-credentials", "jwt", "jwt.sign({ p }, 'a-secret'); DONE;",
         "jwt.sign({ p }, process.env.K); DONE;", _import("jsonwebtoken", "jwt")),
    Pair("hard-coded-credentials", "session", "session({ secret: 'keyboard' }); DONE;",
         "session({ secret: process.env.K }); DONE;", _import("express-session", "session")),
    Pair("permissive-cors", "credentials", "cors({ origin: true, credentials: true }); DONE;",
         "cors({ origin: 'https://a.example.com', credentials: true }); DONE;",
         _import("cors", "cors")),
)  # fmt: skip
