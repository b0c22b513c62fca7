"""Lines of many languages and formats, with credentials and with what only looks like one.

Every secret is put together when the tests run: WEAK is a word that a person thinks of, STRONG a
mixed password, KEY and HEX what a generator makes, B64 the user and password of a header.
"""

from __future__ import annotations

import base64
import random
import re
from dataclasses import dataclass

from scan_work import made_up

WORDS = (
    "harbour", "falcon", "winter", "copper", "meadow", "tiger", "silver", "rocket", "planet",
    "coffee", "summit", "orchid",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One small file; `secrets` are the values that have to be found in it."""

    path: str
    text: str
    secrets: tuple[str, ...]


def _values(seed: int) -> dict[str, str]:
    lot = random.Random(seed)
    weak = f"{lot.choice(WORDS)}{lot.choice(WORDS).title()}{lot.randint(10, 9999)}"
    strong = f"{lot.choice('KQXZ')}{made_up(9, seed)}{lot.choice('!+')}{lot.randint(10, 99)}"
    user = lot.choice(("svc_app", "deploy", "reporting", "ada.lind"))
    basic = base64.b64encode(f"{user}:{strong}".encode()).decode()
    return {
        "WEAK": weak,
        "STRONG": strong,
        "KEY": made_up(40, seed),
        "HEX": made_up(40, seed, "0123456789abcdef"),
        "B64": basic,
    }


# path, then lines; a word in capitals is a value that has to be found.
BAD = """\
app/settings.py | DATABASE_PASSWORD = "WEAK"
app/settings.py | SECRET_KEY = 'KEY'
app/settings.py | EMAIL_HOST_PASSWORD = "STRONG"
app/db.py | conn = psycopg2.connect(host="db", user="svc", password="WEAK")
app/db.py | engine = create_engine("postgresql://svc:STRONG@db.prod.lan:5432/app")
app/db.py | DSN = "host=db.prod.lan user=svc password=STRONG dbname=app"
app/api.py | r = requests.get(url, auth=("svc_app", "STRONG"))
app/api.py | auth = HTTPBasicAuth("svc_app", "STRONG")
app/api.py | headers = {"Authorization": "Basic B64"}
app/api.py | headers["Authorization"] = "Bearer KEY"
app/api.py | headers = {"X-API-Key": "KEY"}
app/api.py | token = "KEY"
app/api.py | url = "https://api.prod.lan/v1/items?api_key=HEX"
app/crypto.py | aes_key = b"KEY"
app/crypto.py | hmac_key = bytes.fromhex("HEX")
app/crypto.py | SALT = "HEX"
app/login.py | if password == "WEAK":
app/ftp.py | ftp.login("svc_app", "STRONG")
app/mail.py | server.login('robot@prod.lan', 'STRONG')
src/config.js | module.exports = { db: { user: 'app', password: 'WEAK' } };
src/config.js | const apiSecret = `KEY`;
src/config.ts | export const environment = { clientSecret: "KEY", debug: false };
src/config.ts | private readonly jwtSecret: string = 'STRONG';
src/auth.js | jwt.sign(payload, 'STRONG');
src/auth.js | app.use(session({ secret: 'WEAK', resave: false }));
src/db.js | mongoose.connect('mongodb+srv://svc:STRONG@cluster0.prod.lan/app');
src/db.js | mysql.createConnection({host: 'db', user: 'svc', password: 'STRONG'})
src/http.js | axios.get(url, { auth: { username: 'svc', password: 'STRONG' } })
src/Main.java | String dbPassword = "WEAK";
src/Main.java | Connection c = DriverManager.getConnection(url, "svc_app", "STRONG");
src/Main.java | config.setPassword("STRONG");
src/Main.java | private static final String API_KEY = "KEY";
src/Main.java | props.put("mail.smtp.password", "STRONG");
src/Main.java | .withBasicAuth("svc", "STRONG")
src/Main.kt | val storePassword = "STRONG"
build.gradle | keyPassword 'STRONG'
build.gradle | storePassword "STRONG"
src/App.cs | var cred = new NetworkCredential("svc_app", "STRONG");
src/App.cs | string conn = "Server=sql;Database=app;User Id=svc;Password=STRONG;";
src/App.cs | public const string ClientSecret = "KEY";
Web.config | <add name="Db" connectionString="User ID=svc;Password=STRONG;Pooling=true" />
Web.config | <add key="SmtpPassword" value="STRONG" />
appsettings.json | "DefaultConnection": "Server=sql;Database=app;User=svc;Password=STRONG;"
appsettings.json | "ClientSecret": "KEY",
config.json | "db_password": "WEAK",
config.json | "auth": { "token": "KEY" }
config.json | {"name": "DB_PASSWORD", "value": "STRONG"}
package.json | "deploy": "sshpass -p STRONG ssh deploy@web.prod.lan"
main.go | password := "WEAK"
main.go | cfg := Config{User: "svc", Password: "STRONG"}
main.go | const apiToken = "KEY"
main.go | req.SetBasicAuth("svc_app", "STRONG")
main.go | db, err := sql.Open("mysql", "svc:STRONG@tcp(db.prod.lan:3306)/app")
lib.rs | let password = "STRONG";
app.rb | password: 'STRONG',
config/database.yml |   password: STRONG
config/secrets.yml | secret_key_base: HEX
index.php | $db_pass = "WEAK";
index.php | define('DB_PASSWORD', 'STRONG');
index.php | $conn = mysqli_connect("localhost", "svc", "STRONG", "app");
index.php | $pdo = new PDO("mysql:host=db;dbname=app", "svc", "STRONG");
index.php | 'password' => 'WEAK',
deploy.sh | export PGPASSWORD=STRONG
deploy.sh | mysql -u svc -pSTRONG app < dump.sql
deploy.sh | curl -u svc:STRONG https://api.prod.lan/
deploy.sh | curl -H "Authorization: Bearer KEY" https://api.prod.lan/
deploy.sh | docker login -u svc -p STRONG registry.prod.lan
deploy.sh | PASSWORD="WEAK"
deploy.sh | sshpass -p 'STRONG' scp a b
deploy.bat | set DB_PASSWORD=STRONG
deploy.ps1 | $password = "STRONG"
deploy.ps1 | ConvertTo-SecureString "STRONG" -AsPlainText -Force
init.sql | CREATE USER 'svc'@'%' IDENTIFIED BY 'STRONG';
init.sql | ALTER ROLE svc WITH LOGIN PASSWORD 'STRONG';
init.sql | INSERT INTO settings (name, value) VALUES ('smtp_password', 'STRONG');
.env | DB_PASSWORD=STRONG
.env | STRIPE_WEBHOOK_SECRET="KEY"
.env | REDIS_URL=redis://:STRONG@cache.prod.lan:6379/0
.env | JWT_SECRET=WEAK
.env.production | MAIL_PASS='STRONG'
app.ini | password = STRONG
app.ini | smtp_pass=WEAK
application.properties | spring.datasource.password=STRONG
application.properties | jwt.secret=KEY
application.properties | spring.datasource.url=jdbc:mysql://db/app?user=svc&password=STRONG
application.yml |     password: STRONG
application.yml |     password: "WEAK"
application.yml |   secret-key: KEY
compose.yml |       POSTGRES_PASSWORD: WEAK
compose.yml |       - MYSQL_ROOT_PASSWORD=STRONG
compose.yml |     command: redis-server --requirepass STRONG
k8s.yaml |         - name: DB_PASSWORD¶          value: "STRONG"
k8s.yaml |         - name: API_TOKEN¶          value: KEY
playbook.yml |     ansible_ssh_pass: STRONG
playbook.yml |     ansible_become_password: WEAK
main.tf |   password = "STRONG"
main.tf | variable "db_password" {¶  type    = string¶  default = "STRONG"¶}
main.tf |   master_password      = "STRONG"
pyproject.toml | token = "KEY"
config.toml | password = 'STRONG'
.netrc | machine api.prod.lan login svc password STRONG
.pgpass | db.prod.lan:5432:app:svc:STRONG
.npmrc | //registry.prod.lan/:_authToken=KEY
.npmrc | //registry.prod.lan/:_password=KEY
settings.xml | <password>STRONG</password>
beans.xml | <property name="password" value="STRONG"/>
beans.xml | <entry key="db.password">STRONG</entry>
Info.plist | <key>apiKey</key>¶    <string>KEY</string>
strings.xml | <string name="api_secret">KEY</string>
Dockerfile | ENV DB_PASSWORD=STRONG
Dockerfile | ARG NPM_TOKEN=KEY
Dockerfile | RUN echo "svc:STRONG" | chpasswd
README.md | Log in with password: `STRONG`
README.md | export API_KEY=KEY
README.md | curl -u admin:STRONG https://ci.prod.lan/
notes.txt | wifi password: STRONG
docs/setup.rst | db_password = "STRONG"
Jenkinsfile | sh "docker login -u svc -p STRONG registry.prod.lan"
.github/workflows/ci.yml |           API_TOKEN: KEY
.gitlab-ci.yml |   DEPLOY_PASSWORD: "STRONG"
main.cpp | const std::string kPassword = "STRONG";
main.c | #define WIFI_PASSWORD "WEAK"
main.ino | const char* password = "STRONG";
app.swift | let apiKey = "KEY"
app.dart | static const String password = 'STRONG';
report.ipynb |     "password = \\"STRONG\\"\\n",
conf.lua | password = "STRONG",
vars.groovy | def dbPassword = 'STRONG'
app.pl | my $password = 'STRONG';
app.vb | Dim password As String = "STRONG"
conf.exs | config :app, App.Repo, username: "svc", password: "STRONG"
"""

GOOD = """\
app/settings.py | DATABASE_PASSWORD = os.environ["DATABASE_PASSWORD"]
app/settings.py | SECRET_KEY = env("SECRET_KEY", default="change-me-please")
app/settings.py | AUTH_PASSWORD_VALIDATORS = ["UserAttributeSimilarityValidator"]
app/settings.py | PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
app/settings.py | TOKEN_URL = "https://login.prod.lan/oauth2/token"
app/settings.py | SESSION_COOKIE_NAME = "session_token"
app/db.py | conn = connect(password=config.db_password)
app/db.py | DSN = "postgresql://user:password@localhost/db"
app/db.py | DSN = "postgresql://user:pass@host:5432/dbname"
app/db.py | DSN = f"postgresql://{user}:{password}@{host}/app"
app/api.py | headers = {"Authorization": f"Bearer {token}"}
app/api.py | headers = {"Authorization": "Bearer <token>"}
app/api.py | headers = {"Authorization": "Basic " + encoded}
app/api.py | token_type = "bearer"
app/api.py | grant_type = "client_credentials"
app/api.py | raise ValueError("password must have 12 characters")
app/api.py | parser.add_argument("--password", help="Password of the account")
app/api.py | password = getpass.getpass("Password: ")
app/api.py | password_input = soup.find("input", {"name": "password"})
app/api.py | if key == "primary_key_field":
app/api.py | cache_key = "user:profile:settings"
app/api.py | key = "display_name"
app/api.py | sort_key = "created-at-desc"
app/api.py | i18n_key = "errors.login.password_too_short"
app/api.py | translation = {"forgot_password": "Forgot your password?"}
app/api.py | PASSWORD_PATTERN = r"^(?=.*[A-Z])(?=.*\\d).{8,}$"
app/api.py | token = tokens[0]
app/api.py | auth = ("user", "pass")
app/api.py | auth = HTTPBasicAuth(user, password)
app/api.py | logger.info("token=%s", token)
app/api.py | "secret": "<secret>",
app/api.py | api_key = "YOUR_API_KEY"
app/api.py | api_key = "xxxxxxxxxxxxxxxxxxxxxxxx"
app/api.py | api_key = "sk-..."
app/api.py | password = "********"
app/api.py | secret_name = "prod/db/main"
app/api.py | secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db"
app/api.py | checksum_key = "sha256"
app/api.py | hashed_password = "pbkdf2:sha256:260000$abc$0123456789abcdef"
app/api.py | public_key = "KEY"
app/api.py | password_hash = "HEX"
app/api.py | csrf_token = "csrfmiddlewaretoken"
app/api.py | TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]{20,}")
app/api.py | commit = "HEX"
app/api.py | etag = "HEX"
app/api.py | sha256 = "HEX"
app/api.py | keywords = "alpha beta gamma"
app/api.py | monkey = "KEY9banana"
app/api.py | "keyboard": "qwertz-layout-2",
app/api.py | token_limit = "4096"
app/api.py | "passengers": "12 adults, 3 children",
app/api.py | compass = "north-north-west"
app/lexer.py | TOKEN = "IDENTIFIER"
app/lexer.py | tokens = {"keyword": "Keyword.Reserved", "name": "Name.Builtin"}
tests/test_login.py | client.login(username="ada", password="correct-horse")
tests/test_login.py | user = User(password="secret123")
tests/test_api.py | token = "test-token"
tests/conftest.py | API_KEY = "fake-key-for-tests"
src/config.js | const password = process.env.DB_PASSWORD;
src/config.js | const apiKey = config.get('apiKey');
src/config.js | password: req.body.password,
src/config.js | { type: 'password', placeholder: 'Password' }
src/config.js | const TOKEN_KEY = 'auth_token';
src/config.js | localStorage.getItem('access_token')
src/config.js | errors.password = 'Password is required';
src/config.js | const key = 'Escape';
src/config.js | <input type="password" name="password" autocomplete="current-password">
src/config.ts | password: string;
src/config.ts | token?: string | null = null;
src/config.ts | export const PASSWORD_MIN_LENGTH = 8;
src/auth.js | jwt.sign(payload, process.env.JWT_SECRET);
src/auth.js | jwt.sign(payload, privateKey, { algorithm: 'RS256' });
src/Main.java | String password = System.getenv("DB_PASSWORD");
src/Main.java | String password = request.getParameter("password");
src/Main.java | config.setPassword(password);
src/Main.java | @Value("${db.password}") private String password;
src/Main.java | private static final String PASSWORD_KEY = "user.password";
src/Main.java | map.put("token", "access-token-header");
src/App.cs | string conn = "Server=sql;Integrated Security=true;";
src/App.cs | string conn = $"Server=sql;User Id={user};Password={password};";
src/App.cs | [Required(ErrorMessage = "Password is required")]
Web.config | <add key="TokenEndpoint" value="https://login.prod.lan/token" />
Web.config | publicKeyToken="b77a5c561934e089"
appsettings.json | "Password": "",
appsettings.json | "ApiKey": "{{API_KEY}}",
config.json | "password": "<password>",
config.json | "password_policy": "strict",
config.json | "tokenizer_class": "GPT2Tokenizer",
config.json | "passwordRules": "minlength: 12; required: lower",
package-lock.json | "integrity": "sha512-KEYKEY==",
package.json | "keywords": ["password", "generator"],
package.json | "passport-local": "^1.0.0",
main.go | password := os.Getenv("DB_PASSWORD")
main.go | flag.StringVar(&password, "password", "", "the password")
main.go | fmt.Println("password:", pw)
main.go | ErrBadToken = errors.New("token: bad signature")
main.go | Key: "Content-Type",
lib.rs | let token = Token::new("ident");
app.rb | password: ENV["DB_PASSWORD"],
app.rb | params.require(:user).permit(:password, :password_confirmation)
config/database.yml |   password: <%= ENV["DB_PASSWORD"] %>
index.php | $password = $_POST['password'];
index.php | define('AUTH_KEY', 'put your unique phrase here');
index.php | $token = bin2hex(random_bytes(16));
index.php | 'password' => 'required|min:8',
index.php | 'password' => Hash::make($password),
deploy.sh | PASSWORD="$(pass show db)"
deploy.sh | PASSWORD="${1:?no password}"
deploy.sh | export TOKEN=$CI_JOB_TOKEN
deploy.sh | mysql -u svc -p"$PW" app
deploy.sh | mysql -u svc -p app < dump.sql
deploy.sh | curl -u "$USER:$PASS" https://api.prod.lan/
deploy.sh | curl -u user:password https://example.com/
deploy.sh | mkdir -p build/output
deploy.sh | docker run -p 8080:80 nginx
init.sql | CREATE USER svc IDENTIFIED BY :password;
init.sql | SELECT password, token FROM users WHERE id = 'a1';
init.sql | password VARCHAR(255) NOT NULL,
.env.example | DB_PASSWORD=changeme
.env.example | API_KEY=your_api_key_here
.env | DB_PASSWORD=
.env | PASSWORD_FILE=/run/secrets/db_password
.env | TOKEN_EXPIRY=3600
app.ini | password = %(DB_PASSWORD)s
app.ini | password_encryption = scram-sha-256
application.properties | spring.datasource.password=${DB_PASSWORD}
application.properties | password.reset.subject=Reset your password
messages.properties | login.password=Password
messages.properties | error.token=The token is not valid any more
application.yml |     password: ${DB_PASSWORD:}
application.yml |     password: !vault |
application.yml |   tokenSecretName: app-token-v2
compose.yml |       POSTGRES_PASSWORD_FILE: /run/secrets/pg
compose.yml |       POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?required}
k8s.yaml | - name: DB_PASSWORD¶  valueFrom:¶    secretKeyRef: {name: db-creds-prod2, key: password}
k8s.yaml |   secretName: wildcard-tls-2026
openapi.yaml |       description: "Password of the account, at least 12 characters"
openapi.yaml |         example: correct horse
openapi.yaml |       tokenUrl: https://login.prod.lan/oauth/token
playbook.yml |     db_password: "{{ vault_db_password }}"
playbook.yml |     password: "{{ lookup('env', 'PW') }}"
main.tf |   password = var.db_password
main.tf |   password = random_password.db.result
main.tf | variable "db_password" {¶  type      = string¶  sensitive = true¶}
main.tf |   key = "prod/network/terraform.tfstate"
main.tf |   kms_key_id = "alias/prod-main-2"
pyproject.toml | keywords = ["password", "token"]
.github/workflows/ci.yml |           API_TOKEN: ${{ secrets.API_TOKEN }}
.github/workflows/ci.yml |       key: pip-${{ hashFiles('poetry.lock') }}
.github/workflows/ci.yml |       key: deps-linux-v3-2026
.gitlab-ci.yml |   DEPLOY_PASSWORD: $PASSWORD
settings.xml | <password>${env.REPO_PASSWORD}</password>
beans.xml | <property name="passwordEncoder" ref="bcryptEncoder"/>
strings.xml | <string name="password_hint">At least 8 characters</string>
Dockerfile | ARG NPM_TOKEN
Dockerfile | ENV PASSWORD_STORE_DIR=/var/lib/pass
README.md | Set `DB_PASSWORD` to the password of the database.
README.md | password: your password
README.md | curl -H "Authorization: Bearer $TOKEN" https://api.prod.lan/
README.md | The default password is `changeme`.
README.md | Passwords must contain upper case, lower case and digits.
docs/api.md | \\| `token` \\| string \\| the session token \\|
docs/api.md | "token": "eyJ...",
index.html | <label for="password">Password</label>
index.html | <input type="password" placeholder="Password">
style.css | .password-field { color: #a1b2c3; }
main.c | #define TOKEN_EOF "end-of-file"
main.c | printf("password: %s", pw);
schema.graphql | password: String!
locale/de.json | "password": "Passwort",
locale/fr.json | "password_reset": "Réinitialiser le mot de passe",
locale/es.json | "password": "Contraseña",
locale/en.json | "invalidToken": "This link is no longer valid.",
"""


_MARKS = {
    "WEAK": re.compile("WEAK"),
    "STRONG": re.compile("STRONG"),
    "HEX": re.compile("HEX"),
    "B64": re.compile("B64"),
    "KEY": re.compile("(?<![A-Za-z_])KEY(?![A-Za-z_])"),
}


def cases(lines: str, seed: int) -> list[Case]:
    """The cases of one of the lists, with values by lot."""
    found: list[Case] = []
    for number, line in enumerate(lines.splitlines()):
        path, _, text = line.partition(" | ")
        values = _values(seed * 1000 + number)
        there = {name for name in values if _MARKS[name].search(text)}
        for name in there:
            text = _MARKS[name].sub(values[name], text)
        secrets = tuple(values[name] for name in sorted(there)) if lines is BAD else ()
        text = text.replace("¶", "\n").replace("\\|", "|")
        found.append(Case(path.strip(), f"first line\n{text}\nlast line\n", secrets))
    return found
