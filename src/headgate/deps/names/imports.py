"""What Python packages are imported as, where that is not what they are called."""

from __future__ import annotations

from headgate.model.purl import normalised

_PYTHON = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "crypto": "pycryptodome",
    "cryptodome": "pycryptodomex",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "docx": "python-docx",
    "pptx": "python-pptx",
    "fitz": "pymupdf",
    "git": "gitpython",
    "github": "pygithub",
    "gi": "pygobject",
    "google-protobuf": "protobuf",
    "grpc": "grpcio",
    "haystack": "haystack-ai",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "kafka": "kafka-python",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "memcache": "python-memcached",
    "mpl-toolkits": "matplotlib",
    "multipart": "python-multipart",
    "mysqldb": "mysqlclient",
    "nacl": "pynacl",
    "odf": "odfpy",
    "opencv": "opencv-python",
    "openssl": "pyopenssl",
    "osgeo": "gdal",
    "pil": "pillow",
    "pkg-resources": "setuptools",
    "psycopg2-extras": "psycopg2",
    "pywintypes": "pywin32",
    "rest-framework": "djangorestframework",
    "ruamel": "ruamel-yaml",
    "serial": "pyserial",
    "sentence-transformer": "sentence-transformers",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "socketio": "python-socketio",
    "telegram": "python-telegram-bot",
    "tlz": "toolz",
    "umap": "umap-learn",
    "usb": "pyusb",
    "vlc": "python-vlc",
    "win32api": "pywin32",
    "win32com": "pywin32",
    "xdg": "pyxdg",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}


def distribution_of(ecosystem: str, name: str) -> str:
    """The package that brings a module of this name; empty when nothing is known of it."""
    return _PYTHON.get(normalised("pypi", name), "") if ecosystem == "pypi" else ""
