"""The process that runs the analyzers for a server: `python -m headgate.scan.worker [CACHE]`.

It answers requests on its standard input until that ends, so it never outlives its server.
"""

from __future__ import annotations

import os
import resource
import secrets
import sys
from pathlib import Path

from headgate.scan.engine import analyzers, examine
from headgate.scan.wire import encode_error, encode_material, encode_results, read_request

_MEMORY = 4 << 30
"""Bytes of address space; what does not fit is reported as not run."""


def main(arguments: list[str]) -> int:
    """Serve requests; the exit code is 0 when the input ended."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > _MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, hard))
    # Nothing that a library prints may get between the frames.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tools = analyzers(secrets.token_bytes(32), Path(arguments[0]) if arguments else None)
    while True:
        request = read_request(sys.stdin.buffer)
        if request is None:
            return 0
        try:
            if request.scope is None:
                answer = encode_results(examine(request, tools))
            else:
                from headgate.scan.reviewer.material import material

                answer = encode_material(material(request, request.scope, tools))
        except Exception as error:
            # Not its text: an exception can quote what it read.
            answer = encode_error(f"the analysis failed ({type(error).__name__})")
        answers.write(answer)
        answers.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
