"""The words by which JavaScript programs name sign-in, ownership and what protects them.

All of them are compared with names in the way of `snake`: `requireLogin` is `require_login`.
"""

from __future__ import annotations

from headgate.scan.absence.words import any_of

AUTHENTICATION = any_of(
    r"\w*(require|ensure|check|verify|validate|with|need|must|only)s?_?(is_)?\w*(auth|login|logged|user|token|jwt|session|admin|role|perm|account|key|access)\w*",
    r"is_?(auth\w*|logged\w*|admin\w*|user|signed\w*|authori[sz]ed)", r"auth(enticate[d]?|ori[sz]e[dr]?|ori[sz]ation)?",
    r"auth_?(middleware|guard|handler|check\w*|required|user|jwt|token|only|route|mw)", r"\w+_auth(_\w+)?",
    r"(express_)?jwt(_?(check|auth|guard|middleware|verify|required|decode))?|check_jwt", r"passport",
    r"\w*(user|login|auth|token|session|admin)_?required", r"protect(ed)?(_route)?|guard(ed)?|private(_route)?",
    r"get_(server_)?session|get_token|current_user|get_(current_)?user(_from_\w+)?|get_auth|get_?iron_session|unstable_get_server_session",
    r"clerk\w*|keycloak|auth0|requires_auth|next_auth|kinde\w*|supertokens|ensure_logged_in", r"logged_?in(_user)?",
    r"has_?(role|perm\w*|access|scope)s?|permit|allow(ed)?_roles?|authorize_roles?|restrict(_to|ed)?|roles?_guard",
    r"(jwt_)?decode_?token|verify_?(access_)?token|access_control|acl|rbac",
)  # fmt: skip
"""Names that tell of a check of who calls."""
PRIVILEGED = any_of(
    r"\w*(is|only|require|ensure|check|verify|has|must)s?_?\w*(admin|role|perm\w*|owner|staff|access|scope)\w*",
    r"can|permit|authorize(_roles?)?|restrict(_to)?|allow(ed)?_roles?|acl|rbac|ability|admin(_only|_guard)?",
    r"(check|verify|ensure|is)_?\w*(owner|own|author|mine|belongs)\w*|belongs_to_\w+|owned_by",
)  # fmt: skip
"""Names that tell of a check of what the caller may do."""
WHO = any_of(
    r"(current|auth|logged_in|session|request|req|my|login)_?(user|account|customer|member)(_?id)?",
    r"(user|owner|author|account|customer|creator|tenant|member)_?id", r"owner|author|created_by|tenant|decoded|claims",
    r"user|uid|sub|account|customer|principal|identity",
)  # fmt: skip
"""Names by which an object is tied to whoever calls."""
LIMITER = any_of(
    r"\w*limiters?|limit_?(requests|attempts|logins?|reached)", r"\w*rate_?limit\w*", r"\w*throttl\w*", r"slow_?down\w*|speed_?limiter",
    r"\w*brute\w*", r"\w*lockout\w*|lock_until|locked(_until)?", r"(failed_?)?(login_?)?attempts?|failed_logins?",
    r"\w*captcha\w*|turnstile", r"fail2ban",
)  # fmt: skip
SESSIONS = frozenset(
    {
        "express-session", "cookie-session", "koa-session", "koa-generic-session", "@fastify/session",
        "fastify-session", "@fastify/secure-session", "client-sessions", "iron-session", "koa-session-minimal",
    }
)  # fmt: skip
"""Packages that carry who signed in in a cookie."""
CSRF = any_of(
    r"_?csrf(_?(token|protection|sync|guard|middleware|check|cookie|header)\w*)?|csurf|lusca|tiny_csrf",
    r"(check|verify|validate|generate|double|koa|x|req|fastify)_?csrf\w*|x?_?xsrf\w*|csrf_csrf",
    r"same_origin\w*|(check|verify)_origin",
)
BEARER = any_of(r"bearer\w*|\w*jwt\w*|x_?api_?key|api_?key\w*|authorization")
VALIDATES = any_of(
    r"\w*(valid|schema|joi|celebrate|sanitiz|dto)\w*", r"z|zod|ajv|yup|safe_parse(_async)?|superstruct|typebox|vine",
    r"check_?(body|input|params|fields|schema|payload)|pick|whitelist|allowed_?(fields|keys|updates)",
    r"permitted(_\w+)?|class_transformer|plain_to_(class|instance)|matched_data",
)  # fmt: skip
"""Names that tell of something that knows what a request may hold."""
LOOKS = frozenset(
    {
        "isArray", "isInteger", "isNaN", "parseInt", "parseFloat", "Number", "String", "Boolean", "test",
        "match", "every", "isString", "isLength", "isEmail", "isUUID", "pick", "hasOwnProperty", "BigInt",
    }
)  # fmt: skip
"""Calls that look at the form of what they are given, or take its parts one by one."""
FETCHES = frozenset(
    {
        "findById", "findByPk", "findOne", "findUnique", "findUniqueOrThrow", "findFirst", "findOneBy",
        "findOneOrFail", "findByIdAndUpdate", "findByIdAndDelete", "findByIdAndRemove", "findOneAndUpdate",
        "findOneAndDelete", "deleteOne", "updateOne", "destroy", "findFirstOrThrow", "getById",
    }
)  # fmt: skip
WRITES = frozenset(
    {
        "save", "create", "insert", "insertOne", "insertMany", "bulkCreate", "update", "updateOne", "updateMany",
        "upsert", "delete", "deleteOne", "deleteMany", "destroy", "remove", "findByIdAndUpdate", "push",
        "findByIdAndDelete", "findByIdAndRemove", "findOneAndUpdate", "findOneAndDelete", "replaceOne",
        "writeFile", "writeFileSync", "unlink", "unlinkSync", "appendFile", "run", "increment", "decrement", "del",
    }
)  # fmt: skip
"""Calls that mostly change something that lasts."""
STORES = frozenset(
    {
        "create", "insert", "insertOne", "insertMany", "bulkCreate", "update", "updateOne", "updateMany", "upsert",
        "findByIdAndUpdate", "findOneAndUpdate", "replaceOne", "build", "createMany", "values", "writeFile",
        "writeFileSync", "appendFile", "appendFileSync", "insertGraph",
    }
)  # fmt: skip
CLIENTS = any_of(r"axios|got|superagent|needle|ky|\w*client|\w*_api|undici")
ASKS_OLD = any_of(
    r"\w*(old|current|existing|previous|present)_?(passw(or)?d|pwd|pass)\w*",
    r"(compare|check|verify|validate|match)_?(sync|passw(or)?d|pwd|hash)\w*|compare|verify|authenticate",
    r"\w*reset_?(token|code|key)\w*|token|otp|code",
)  # fmt: skip
PROTECTS_SECRET = any_of(
    r"to_json|to_object|select|omit|exclude|attributes|projection|lean_without\w*|sanitize\w*|serialize\w*",
    r"to_dto|dto|without_\w+|safe_user|public_(user|profile|json)|transform|delete_property",
)  # fmt: skip
"""Names that tell that an answer's fields are chosen."""
