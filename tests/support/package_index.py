"""A package index on this machine, serving a real pip and tiny wheels made on the spot."""

import base64
import hashlib
import io
import marshal
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from importlib.util import MAGIC_NUMBER, cache_from_source


@dataclass
class Index:
    """Serves wheels under /simple/, says what was asked for, and can keep a client waiting."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    held: str = ""
    """Requests whose path holds this word wait until `release` is set."""
    asked: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def add(self, wheel: str, content: bytes) -> str:
        """Offer a wheel; returns its SHA-256."""
        page = f"/simple/{wheel.split('-')[0].replace('_', '-')}/"
        self.files[f"/files/{wheel}"] = content
        self.files[page] = self.files.get(page, b"") + f'<a href="/files/{wheel}">{wheel}</a>\n'.encode()
        return hashlib.sha256(content).hexdigest()

    def hold(self, word: str) -> None:
        """Keep clients which ask for such a file waiting."""
        self.held = word
        self.asked.clear()
        self.release.clear()

    def answer(self, path: str) -> bytes | None:
        self.requests.append(path)
        if self.held and self.held in path:
            self.asked.set()
            self.release.wait(timeout=60)
        return self.files.get(path)


@contextmanager
def serving() -> Iterator[Index]:
    """An index that answers until the block ends."""
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = index.answer(self.path)
            # A client that was killed does not wait for its answer.
            with suppress(ConnectionError):
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

        def log_message(self, *words: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    try:
        yield index
    finally:
        index.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def make_wheel(name: str, version: str, files: dict[str, str]) -> tuple[str, bytes]:
    """File name and content of a wheel that holds these files."""
    info = f"{name}-{version}.dist-info"
    whole = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in whole.items()]
    whole[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""])
    return f"{name}-{version}-py3-none-any.whl", _zipped({path: text.encode() for path, text in whole.items()})


def pip_wheel() -> bytes | None:
    """The pip of the running environment, packed as a wheel again; None where there is none.

    Compiled modules are packed with it: else each set-up in the tests would compile pip again, most of its time.
    """
    try:
        pip = metadata.distribution("pip")
    except metadata.PackageNotFoundError:
        return None
    names = [file for file in pip.files or () if file.parts[0].startswith("pip") and file.suffix != ".pyc"]
    files = {str(file): file.read_binary() for file in names}
    for name in [name for name in files if name.endswith(".py")]:
        code = marshal.dumps(compile(files[name], name, "exec"))
        # Flag 1: never compared with the source, whose time of change is new in each environment.
        files[cache_from_source(name)] = MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + code
    return _zipped(files)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return packed.getvalue()
