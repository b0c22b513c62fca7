"""The hook itself, copied into repositories. It imports nothing that is not written in C.

It knows nothing of pushes: it tells the server who it is, passes its standard input on, and does
what the server says. Frames from the server: one byte of kind (`o` output, `e` messages, `x` exit
code) and four of length, most significant first.
"""

import _socket
import posix
import select
import sys

KEPT = (
    b"GIT_QUARANTINE_PATH",
    b"GIT_OBJECT_DIRECTORY",
    b"GIT_ALTERNATE_OBJECT_DIRECTORIES",
    b"HEADGATE_PUSH",
)
BYPASSED = "This repository takes pushes only through Headgate: push to its http address."
AWAY = "Headgate is not running, so nothing can be pushed: start it, then push again."
LOST = "Headgate stopped while it looked at this push, so it is refused: push again."


def refuse(why: str) -> int:
    write(2, why.encode() + b"\n")
    return 1


def write(to: int, data: bytes) -> None:
    while data:
        data = data[posix.write(to, data) :]


def main() -> int:
    place = posix.environ.get(b"HEADGATE_HOOK_SOCKET")
    if not place:
        return refuse(BYPASSED)
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        server.connect(place)
        about = [b"hook=" + sys.argv[0].rpartition("/")[2].encode(), b"cwd=" + posix.getcwdb()]
        about += [key + b"=" + posix.environ[key] for key in KEPT if key in posix.environ]
        head = b"\0".join(about)
        server.sendall(len(head).to_bytes(4, "big") + head)
    except OSError:
        return refuse(AWAY)
    try:
        return converse(server)
    except OSError:
        return refuse(LOST)


def converse(server: "_socket.socket") -> int:
    sources: list[int | _socket.socket] = [0, server]
    held = b""
    while True:
        ready = select.select(sources, [], [])[0]
        if 0 in ready:
            data = posix.read(0, 65536)
            if data:
                server.sendall(data)
            else:
                sources.remove(0)
                server.shutdown(_socket.SHUT_WR)
        if server in ready:
            data = server.recv(65536)
            if not data:
                return refuse(LOST)
            held += data
            while len(held) >= 5:
                end = 5 + int.from_bytes(held[1:5], "big")
                if len(held) < end:
                    break
                kind, data, held = held[:1], held[5:end], held[end:]
                if kind == b"x":
                    return int(data[0])
                write(1 if kind == b"o" else 2, data)


if __name__ == "__main__":
    # At once: tearing the interpreter down would cost a millisecond for nothing.
    posix._exit(main())  # pyright: ignore[reportPrivateUsage]
