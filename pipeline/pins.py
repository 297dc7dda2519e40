"""Reading constraints.txt: what is pinned, for whom, and by which hashes.

A pin is a requirement with hashes; the marker says what it is for::

    numpy==2.4.6 \\
        --hash=sha256:02f1...
    elpv-dataset==1.0.0.post1 ; extra == "on-demand" \\
        --hash=sha256:85e3...
    numpy==1.26.4 ; extra == "tool-tflite-runtime" \\
        --hash=sha256:2a02...

pip installs the lines without such a marker, which is the environment that this runs in. The others are false for pip
and are fetched by us: `pipeline/packages.py` takes ``on-demand``, `pipeline/tool_environments.py` the ``tool-`` ones.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pipeline.errors import SixfoldError

CONSTRAINTS_FILE = Path("constraints.txt")


@dataclass(frozen=True)
class Pin:
    """One line of constraints.txt.

    Attributes:
        name: normalised.
        requirement: `name==version`, without marker.
        extra: what the marker asks for; None for what `make setup` installs.
        hashes: the permitted files' digests as `sha256:...`.
    """

    name: str
    requirement: str
    extra: str | None
    hashes: tuple[str, ...]

    @property
    def version(self) -> str:
        """The pinned version."""
        return self.requirement.partition("==")[2]

    def line(self) -> str:
        """The pin as one line of a requirements file, without its marker, so that pip takes it."""
        return " ".join([self.requirement, *(f"--hash={digest}" for digest in self.hashes)]) + "\n"


def read_pins(constraints: Path = CONSTRAINTS_FILE) -> list[Pin]:
    """Every pin, in the file's order.

    Raises:
        SixfoldError: the file is missing or malformed, or a pin has no SHA-256.
    """
    try:
        text = constraints.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SixfoldError(f"{constraints}: cannot be read ({error})") from error
    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        declared, *hashes = line.partition(" #")[0].split("--hash=")
        if not hashes or declared.lstrip().startswith("#"):
            continue
        try:
            requirement = Requirement(declared.strip())
        except InvalidRequirement as error:
            raise SixfoldError(f"{constraints}: {declared.strip()!r} is no requirement ({error})") from error
        digests = tuple(digest.strip() for digest in hashes)
        if not all(digest.startswith("sha256:") for digest in digests):
            raise SixfoldError(f"{constraints}: {requirement.name}: hashes must be sha256")
        extra = re.fullmatch(r'extra == "([a-z0-9.-]+)"', str(requirement.marker or ""))
        name = canonicalize_name(requirement.name)
        pins.append(Pin(name, f"{name}{requirement.specifier}", extra[1] if extra else None, digests))
    return pins
