"""Which distribution a Python module comes from, where the names differ."""

from __future__ import annotations

from packaging.utils import canonicalize_name

MODULES: dict[str, tuple[str, ...]] = {
    "antlr4-python3-runtime": ("antlr4",),
    "attrs": ("attr", "attrs"),
    "beautifulsoup4": ("bs4",),
    "biopython": ("Bio",),
    "djangorestframework": ("rest_framework",),
    "discord-py": ("discord",),
    "dnspython": ("dns",),
    "faiss-cpu": ("faiss",),
    "gitpython": ("git",),
    "google-api-python-client": ("googleapiclient",),
    "grpcio": ("grpc",),
    "imagehash": ("imagehash",),
    "ipython": ("IPython",),
    "jinja2": ("jinja2",),
    "markupsafe": ("markupsafe",),
    "mysqlclient": ("MySQLdb",),
    "opencv-contrib-python": ("cv2",),
    "opencv-python": ("cv2",),
    "opencv-python-headless": ("cv2",),
    "pillow": ("PIL",),
    "protobuf": ("google",),
    "psycopg2-binary": ("psycopg2",),
    "pycryptodome": ("Crypto",),
    "pycryptodomex": ("Cryptodome",),
    "pygobject": ("gi",),
    "pyjwt": ("jwt",),
    "pymupdf": ("fitz", "pymupdf"),
    "pynacl": ("nacl",),
    "pyopenssl": ("OpenSSL",),
    "pyserial": ("serial",),
    "pysocks": ("socks",),
    "python-dateutil": ("dateutil",),
    "python-docx": ("docx",),
    "python-dotenv": ("dotenv",),
    "python-jose": ("jose",),
    "python-ldap": ("ldap",),
    "python-magic": ("magic",),
    "python-multipart": ("python_multipart", "multipart"),
    "python-pptx": ("pptx",),
    "python-slugify": ("slugify",),
    "python-telegram-bot": ("telegram",),
    "pywin32": ("win32api", "win32con", "win32com", "pywintypes"),
    "pyyaml": ("yaml",),
    "pyzmq": ("zmq",),
    "ruamel-yaml": ("ruamel",),
    "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn",),
    "setuptools": ("setuptools", "pkg_resources"),
    "umap-learn": ("umap",),
    "websocket-client": ("websocket",),
}
"""By the normalised name of the distribution: its top-level modules."""

_NAMESPACES = {
    "azure", "backports", "google", "jaraco", "opentelemetry", "plone", "repoze", "ruamel",
    "snowflake", "sphinxcontrib", "zc", "zope",
}  # fmt: skip
"""Packages that many distributions put their modules into."""


def modules_of(distribution: str) -> frozenset[str]:
    """The top-level modules that a distribution may bring, in lower case.

    Those that are known, and those that it would have by the customs of naming: `python-x`,
    `x-python` and `pyx` bring `x`. More than it has is no harm; one that is missing is.
    """
    name = canonicalize_name(distribution)
    found = {module.lower() for module in MODULES.get(name, ())}
    stems: set[str] = {name}
    for start in ("python-", "py-", "py", "python3-", "django-", "flask-", "types-"):
        if name.startswith(start) and len(name) > len(start) + 1:
            stems.add(name[len(start) :])
    for end in ("-python", "-py", "-binary", "-stubs", "-headless", "-cpu"):
        stems |= {one.removesuffix(end) for one in set(stems)}
    for stem in stems:
        found |= {stem.replace("-", "_"), stem.replace("-", "")}
        if (first := stem.partition("-")[0]) in _NAMESPACES:
            found.add(first)
    return frozenset(found)
