"""A scratch folder and a listener in which command lines run for real, as an ordinary user, within bounds."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

NOBODY = 65534
SECONDS = 5
"""How long a line may take."""
TOOLS = """
ls cat head tail grep egrep sort uniq cut wc tr sed awk mawk find tar dd gzip gunzip zcat diff cmp date env timeout nice
xargs bash sh git curl tee touch cp mv rm mkdir rmdir ln chmod truncate split seq stat du df basename dirname base64
sha256sum od comm join paste nl tac rev fold file readlink realpath id whoami uname shuf printenv which stdbuf true
false test expr sleep mktemp echo printf
"""
"""What the lines find; nothing that signals processes, changes users or reaches other machines."""
FILES: Mapping[str, str] = {
    "a.txt": "x 1\ny 2\nx 3\n",
    "b.txt": "3\n1\n2\n",
    "dir/c.txt": "c\n",
    "files": "a.txt b.txt\n",
    "flags": "-delete -o out\n",
    "script.sh": "touch out\n",
    "script.sed": "w out\n",
    "script.awk": '{print > "out"}\n',
    "curlrc": "output = out\nurl = %U\n",
    "b64": "eAo=\n",
    "sums": "0  a.txt\n",
}
LIMITS = 'ulimit -f 2048 -t 5 -c 0; exec bash --norc --noprofile -c "$1"'


@dataclass(slots=True)
class Heard:
    """The requests that came: ``GET /x`` and the length of their bodies."""

    requests: list[tuple[str, int]] = field(default_factory=list)

    def harm(self) -> list[str]:
        """The requests that may change something."""
        return [said for said, size in self.requests if said.split()[0] not in ("GET", "HEAD") or size]


@dataclass(frozen=True, slots=True)
class Shell:
    """``folder`` is where lines run; ``tools`` is all of their PATH; ``address`` where a request is heard."""

    folder: Path
    tools: Path
    address: str
    heard: Heard

    def run(self, line: str) -> bool:
        """Runs the line; whether it came to an end in time. Its processes are gone afterwards."""
        account = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        env = {"PATH": str(self.tools), "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "TMPDIR": str(self.folder)}
        child = subprocess.Popen(  # the lines are data of the tests, in a folder of their own
            [str(self.tools / "bash"), "--norc", "--noprofile", "-c", LIMITS, "line", line],
            cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, **account,  # type: ignore[arg-type]
        )  # fmt: skip
        try:
            child.wait(SECONDS)
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            _end(child)

    def digest(self) -> tuple[tuple[object, ...], ...]:
        """Every file with its kind, rights, time and content; without git's index, which it refreshes as it looks."""
        paths = sorted(p for p in self.folder.rglob("*") if p.name != "index" or ".git" not in p.parts)
        return tuple(_state(path, self.folder) for path in paths)


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _state(path: Path, root: Path) -> tuple[object, ...]:
    info = path.lstat()
    name = str(path.relative_to(root))
    if path.is_symlink():
        return name, str(path.readlink())
    if path.is_dir():
        return name, info.st_mode if ".git" not in path.parts else "git"
    if not path.is_file():
        return name, info.st_mode
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return name, info.st_mode, info.st_uid, info.st_mtime_ns, content


@contextmanager
def shell() -> Iterator[Shell]:
    """A scratch folder with some files, an archive and a repository; a listener on a free port; and tools."""
    home = Path(tempfile.mkdtemp(prefix="hutch-shell-"))
    try:
        home.chmod(0o755)
        with _listener() as (address, heard):
            made = Shell(_folder(home, address), _tools(home), address, heard)
            for line in ("tar cf a.tar a.txt b.txt", "gzip -kc a.txt > a.gz", "ln -s a.txt link", *_REPOSITORY):
                assert made.run(line)
            yield made
    finally:
        shutil.rmtree(home, ignore_errors=True)


_REPOSITORY = (
    "git init -q . && git config user.name n && git config user.email e && git add -A && git commit -qm first",
)


def _folder(home: Path, address: str) -> Path:
    folder = home / "scratch"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("%U", address))
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    return folder


def _tools(home: Path) -> Path:
    tools = home / "tools"
    tools.mkdir()
    for name in dict.fromkeys(TOOLS.split()):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    return tools


@contextmanager
def _listener() -> Iterator[tuple[str, Heard]]:
    heard = Heard()

    class Recorder(BaseHTTPRequestHandler):
        timeout = 3

        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            heard.requests.append((f"{self.command} {self.path}", size or int("chunked" in str(self.headers))))
            self.rfile.read(min(size, 1 << 16))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

        def __getattr__(self, name: str) -> object:
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

    server = HTTPServer(("127.0.0.1", 0), Recorder)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
