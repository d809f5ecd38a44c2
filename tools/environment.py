"""Makes ``.venv`` from the lock file, and only again when something that decides its content has changed.

Run by whatever ``python3`` the machine has, so it keeps to syntax that old versions can read and say no to.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".made-from"
OLDEST = (3, 11)
INPUTS = ("requirements.lock", "pyproject.toml")


def fingerprint():
    """What the environment is made from: the inputs, the interpreter's version, and the place it stands in."""
    whole = hashlib.sha256()
    for name in INPUTS:
        whole.update((ROOT / name).read_bytes())
    whole.update(repr((sys.version_info[:2], str(ROOT))).encode())
    return whole.hexdigest()


def obstacle():
    """Why no environment can be made with this interpreter, and what to do; empty when one can."""
    if sys.version_info < OLDEST:
        found = ".".join(str(n) for n in sys.version_info[:3])
        return (
            f"Hutch needs Python 3.11 or newer; {sys.executable} is {found}.\n"
            "Install a newer one and name it: make setup PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401, PLC0415 - absent where Debian has split venv off
        import venv  # noqa: F401, PLC0415
    except ImportError:
        return f"{sys.executable} cannot make virtual environments.\nInstall python3-venv: apt-get install python3-venv"
    return ""


def run(what, *command):
    """Runs one command quietly; when it fails, shows what it wrote and stops with its exit code."""
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", "PIP_NO_INPUT": "1"}
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        command,
        cwd=str(ROOT),
        env={**environment, **quiet},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,  # noqa: UP021 - also read by versions that are about to be refused
    )
    if done.returncode:
        sys.stderr.write(f"{done.stdout}\nsetup: {what} failed; the reason is above. `make setup` tries again.\n")
        sys.exit(done.returncode)


def fits():
    """Whether the environment that is there can be installed over: made here, by this version of Python."""
    ask = "import sys; print(sys.version_info[:2], sys.prefix)"
    try:
        said = subprocess.run([str(PYTHON), "-c", ask], stdout=subprocess.PIPE, universal_newlines=True)  # noqa: UP021
    except OSError:
        return False
    return said.stdout.strip() == f"{sys.version_info[:2]} {VENV}"


def make():
    """Makes the environment, over what is there if that fits.

    The stamp is written last, so a set-up that was broken off is repeated.
    """
    print("setup: making .venv from requirements.lock (once, about a minute) ...", file=sys.stderr, flush=True)
    if STAMP.exists():
        STAMP.unlink()
    run("making the virtual environment", sys.executable, "-m", "venv", *([] if fits() else ["--clear"]), str(VENV))
    pip = (str(PYTHON), "-m", "pip", "install", "--quiet")
    run("installing what the lock names", *pip, "--require-hashes", "-r", "requirements.lock")
    run("installing Hutch", *pip, "--no-deps", "--no-build-isolation", "-e", ".")
    STAMP.write_text(fingerprint())
    print("setup: done; the command is .venv/bin/hutch", file=sys.stderr, flush=True)


def main():
    """Exit code 0 with an up-to-date environment, 1 with the reason why there is none."""
    if STAMP.exists() and PYTHON.exists() and STAMP.read_text() == fingerprint():
        return 0
    reason = obstacle()
    if reason:
        print(f"setup: {reason}", file=sys.stderr)
        return 1
    make()
    return 0


if __name__ == "__main__":
    sys.exit(main())
