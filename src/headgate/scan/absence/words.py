"""The words by which programs name sign-in, ownership, secrets and what protects them."""

from __future__ import annotations

import re
from functools import cached_property

from headgate.scan.late import late


class Words:
    """A pattern of words, ignoring case; compiled when it is first used, as few of them are."""

    def __init__(self, expression: str) -> None:
        self.pattern = expression

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return self._compiled.fullmatch(text)

    def search(self, text: str) -> re.Match[str] | None:
        return self._compiled.search(text)

    def match(self, text: str) -> re.Match[str] | None:
        return self._compiled.match(text)


def any_of(*words: str) -> Words:
    """A pattern that matches any of these, ignoring case."""
    return Words("|".join(words))


AUTHENTICATION = any_of(
    r"\w*(login|auth|user|token|session|jwt|admin|role|perm\w*|account)_?required\w*",
    r"require[sd]?_?\w*(auth|login|user|role|token|admin|perm|session|account|key)\w*",
    r"authenticate[sd]?", r"authori[sz]e[dr]?", r"authorization", r"is_authenticated", r"authenticated_userid",
    r"(get_|load_|the_)?(current|auth|logged_in|session|request)_?(active_)?(user|account|identity|principal)(_id)?",
    r"get_(auth|current|logged_in|session)_\w*(user|account)\w*", r"is_logged_?in", r"logged_?in(_user)?",
    r"(verify|validate|check|decode|parse|insecure_verify)_?\w*(token|jwt|session|auth|api_?key|login|credentials|permission|access)\w*",
    r"(token|auth|session|jwt|apikey|api_key)_?(validator|verify|check|guard)\w*", r"get_jwt(_identity)?",
    r"jwt_required", r"permission_classes", r"has_(perm|permission|role|access)\w*", r"check_perm\w*",
    r"user_passes_test", r"staff_member_required", r"LoginRequiredMixin|PermissionRequiredMixin|UserPassesTestMixin",
    r"HTTPBearer|OAuth2PasswordBearer|HTTPBasic|APIKeyHeader|Security", r"x_?api_?key", r"login_manager",
    r"ensure_\w*(auth|login|admin|user)\w*", r"only_\w*(admin|user|staff)\w*", r"protected", r"private",
    r"is_admin|is_staff|is_superuser|admin_only",
)  # fmt: skip
"""Names that tell of a check of who calls."""

OPEN = any_of(
    r"log_?in", r"sign_?in", r"log_?out", r"sign_?out", r"sign_?up", r"regist", r"subscribe", r"contact",
    r"forgot", r"reset", r"recover", r"confirm", r"activate", r"verif", r"health", r"ping", r"status",
    r"webhook", r"hook", r"callback", r"oauth", r"token", r"static", r"robots", r"favicon", r"public", r"home",
    r"index", r"about", r"search", r"docs", r"error", r"newsletter", r"captcha", r"metrics", r"auth", r"create_?user",
    r"create_?account", r"user_?create",
)  # fmt: skip
"""Routes that are often meant to be open."""

SIGN_IN = any_of(
    r"log_?_?-?in\b",
    r"(^|[^a-z])log_?in([^a-z]|$)",
    r"sign_?-?in",
    r"authenticate",
    r"/auth\b",
    r"/token\b",
    r"/sessions?$",
    r"otp",
    r"mfa",
    r"2fa",
)
NOT_SIGN_IN = any_of(
    r"regist",
    r"sign_?-?up",
    r"create_?(user|account)",
    r"chang",
    r"chpass",
    r"forgot",
    r"reset",
    r"recover",
    r"disable",
    r"logout",
    r"log_out",
    r"oauth",
    r"callback",
    r"delete",
    r"updat",
    r"(^|[\s/])(do_)?create([\s/]|$)",
)
PASSWORD = any_of(
    r"\w*passw(or)?d\w*", r"\w*passphrase\w*", r"pwd", r"otp(_?code)?", r"pin(_?code)?"
)
PASSWORD_TEXT = late(r"^(\w*passw(or)?d\w*|passphrase|pwd|otp|pin|passwd)$")
CHECKS_PASSWORD = any_of(
    r"(check|verify|validate|compare|match)_?\w*(passw|pwd|hash|credential|otp)\w*",
    r"checkpw",
    r"compare_digest",
    r"authenticate",
    r"\w*login\w*",
    r"pbkdf2\w*",
    r"sign_?in\w*",
)
LIMITER = any_of(
    r"\w*limiter\w*",
    r"\w*rate_?limit\w*",
    r"\w*throttl\w*",
    r"ratelimit\w*",
    r"axes\w*",
    r"slowapi",
    r"\w*lockout\w*",
    r"failed_?(login|attempt)\w*",
    r"login_?attempts?",
    r"attempts?",
    r"recaptcha\w*",
    r"captcha\w*",
)

CSRF = any_of(
    r"csrf_?protect(ion)?\w*",
    r"CSRF_?Middleware\w*",
    r"(validate|check|verify)_csrf\w*",
    r"csrf_required",
    r"csrf_middleware",
    r"CsrfViewMiddleware",
    r"SeaSurf",
    r"xsrf_cookies",
    r"check_xsrf_cookie",
    r"csrf_token",
    r"validate_on_submit",
    r"_csrf_token",
    r"x_?csrf_?token",
)
COOKIES = any_of(
    r"login_user",
    r"current_user",
    r"login_required",
    r"set_cookie",
    r"set_secure_cookie",
    r"get_secure_cookie",
    r"remember",
    r"session_middleware",
    r"SessionMiddleware",
    r"get_session",
    r"set_signed_cookie",
    r"cookies",
)
"""What tells that browsers carry who they are in cookies."""
BEARER = any_of(
    r"authorization",
    r"bearer\w*",
    r"x-?api-?key",
    r"\w*api_?key",
    r"HTTPBearer|OAuth2PasswordBearer|APIKeyHeader|get_jwt\w*|jwt_required|jwt_\w+",
)

UPLOAD_CHECKS = any_of(
    r"\w*allowed\w*",
    r"(file_?|\w+_)?ext(ension)?s?",
    r"splitext",
    r"suffix",
    r"mime_?type",
    r"content_?type",
    r"endswith",
    r"imghdr",
    r"filetype",
    r"magic",
    r"content_length",
    r"max_content_length",
    r"file_?size",
    r"size",
    r"validate_\w*(file|image|upload)\w*",
    r"is_valid_\w+",
    r"FileAllowed",
    r"FileExtensionValidator",
    r"verify",
)
OWN = any_of(
    r"(\w+_)?(owner|author|creator|current_user|user|account|customer|member|tenant|identity|principal|username)(_id|_name|id)?",
    r"is_(admin|owner|staff|superuser)",
    r"has_perm\w*",
    r"(check|can|may|verify|authorize|ensure)_?\w*(owner|access|perm|author)\w*",
    r"get_object_permissions",
    r"check_object_permissions",
    r"get_queryset",
)
"""Names by which an object is tied to whoever calls."""
PERSONAL = any_of(
    r"\w*(user|account|customer|client|patient|employee|member|student|profile|order|invoice|payment|transaction|transfer|card|wallet|message|mail|conversation|note|document|file|report|record|address|booking|reservation|ticket|basket|cart|appointment|prescription|loan|contract|secret|diary|task|todo|book|post|paste|upload|photo|album|bill|subscription)s?(_?(list|db|table|data|model|store|repo\w*|dao|collection))?"
)
"""What objects are called that mostly belong to somebody."""

HASHES = any_of(
    r"\w*(hash|bcrypt|argon2?|scrypt|pbkdf2|encrypt|digest|hexdigest|sha\d+|md5|crypt)\w*",
    r"set_password|create_user|make_password|create_superuser|UserCreationForm|SetPasswordForm|PasswordChangeForm|CryptContext|PasswordHasher",
)
SECRET_FIELD = any_of(
    r"password",
    r"passwd",
    r"pwd",
    r"pass_?word_?hash",
    r"pwd_?hash",
    r"secret_key",
    r"mfa_?secret",
    r"otp_?secret",
    r"ssn",
    r"social_?security\w*",
    r"cc_?n(um(ber)?)?",
    r"cc_num",
    r"card_?(no|num|number)",
    r"credit_?card(_?number)?",
    r"cvv2?",
    r"private_?key",
    r"api_?(key|secret)",
    r"access_?token_?secret",
)
CHANGES_PASSWORD = any_of(
    r"(ch|change|update|set|edit|modify|new)[_/-]?\w{0,8}[_/-]?(passw|pwd|pass\b)",
    r"(passw(or)?d|pwd)[_/-]?(change|update|edit|set|modify)",
    r"chpass",
)
NOT_CHANGE = any_of(
    r"reset", r"forgot", r"recover", r"regist", r"sign_?up", r"init", r"setup", r"create_?user"
)
RESETS = any_of(r"reset", r"forgot", r"recover")
RESET_PROOF = any_of(
    r"\w*(token|code|otp|uid|signature|nonce|secret|answer)\w*",
    r"send_mail|send_message|EmailMessage|sendmail|loads",
)
ASKS_OLD = any_of(
    r"\w*(old|current|existing|previous|present|orig\w*|confirm_old)_?(passw(or)?d|pwd|pass)\w*",
    r"(check|verify|validate|compare)_?(passw(or)?d|pwd|pass|hash|credential)\w*",
    r"checkpw",
    r"authenticate",
    r"PasswordChangeForm",
    r"\w*reset_?(token|code)\w*",
    r"login",
    r"check_password_hash",
)
UNKNOWN_ACCOUNT = late(
    r"(user(name)?|account|e-?mail|login)\b.{0,25}(does\s?n.t exist|does not exist|not found|unknown|is not registered|not registered|no such|invalid user\b|not exist)|no (such )?(user|account)|unknown (user|account)|invalid username\b(?!.{0,6}(or|and|/))"
)
WRONG_PASSWORD = late(
    r"(password|passwd|pwd).{0,30}(incorrect|wrong|invalid|mismatch|not correct|does ?n.t match|does not match|not match)|(incorrect|wrong|invalid|bad) (password|passwd)"
)
PRIVILEGE = any_of(
    r"is_?admin",
    r"admin",
    r"is_?staff",
    r"is_?superuser",
    r"role",
    r"roles",
    r"user_?role",
    r"privilege",
    r"privileges",
    r"permissions?",
    r"account_?type",
    r"access_?level",
    r"user_?type",
)
PRIVILEGED = late(r"^(admin|administrator|root|superuser|staff|manager|true|1|yes)$")
SQL_CHANGE = late(
    r"^\s*(insert\s+into|update\s+\S+\s+set|delete\s+from|drop\s+table|truncate|replace\s+into|alter\s+table)\b"
)
SQL_PASSWORD = late(
    r"^\s*(insert\s+into|update\s+\S+\s+set)\b.*\b(passw(or)?d|pwd|passwd)\b", re.DOTALL
)
CHANGING_CALLS = frozenset(
    {
        "commit", "save", "insert", "insert_one", "insert_many", "update_one", "update_many", "delete_one",
        "delete_many", "delete", "bulk_create", "get_or_create", "update_or_create", "drop_all", "create_all",
        "remove", "unlink", "rmtree", "write_text", "write_bytes", "replace_one", "hset", "put_item", "delete_item",
        "create_user", "set_password",
    }
)  # fmt: skip
DESTROYING_CALLS = frozenset(
    {"drop_all", "create_all", "delete", "delete_one", "delete_many", "rmtree"}
)
FETCHES = frozenset(
    {
        "get", "get_or_404", "first_or_404", "get_object_or_404", "filter_by", "filter", "find_one", "find_by_id",
        "get_by_id", "find", "get_one", "query", "fetch", "scalar_one", "get_item", "load",
    }
)  # fmt: skip
FETCH_HELPER = late(
    r"(?:get|find|fetch|load|read|lookup)_(?:one_)?(?P<what>[a-z]+?)(?:_by_\w+|_from_db|_or_404)?",
    re.IGNORECASE,
)
"""Functions of the project that fetch an object."""
IDENTIFIER = any_of(
    r"(\w+_?)?(id|pk|uuid|guid|no|num|number|key)",
    r"user_?name",
    r"e-?mail",
    r"slug",
    r"(\w+_)?title",
    r"(\w+_)?name",
    r"account",
    r"order",
)
