"""`sixfold`, watched: ``python probe.py AT_WORK IMPORTED ARGUMENT...``, a program of its own.

It ends with :data:`BEGUN` as soon as the command opens or lists the file or folder AT_WORK, or something within it, or
connects to another computer: what took until then is the start. An empty AT_WORK lets the command come to its end.
The names of all modules that are loaded when it ends go to the file IMPORTED, one a line, unless that is empty.
"""

import os
import sys

#: The exit code that says: the command has begun its work. None of its own.
BEGUN = 99

#: What Python calls the doing that counts as work, of a path or an address.
_OPENS = ("open", "os.listdir", "os.scandir")
_CONNECTS = ("socket.connect", "socket.getaddrinfo")


def main() -> None:
    """Run `sixfold` with the arguments after the first two."""
    at_work, imported, *arguments = sys.argv[1:]
    place = os.path.abspath(at_work)  # noqa: PTH100 - the file system must not be asked: that would call the hook again

    def end(code: int) -> None:
        if imported:
            with open(imported, "w", encoding="utf-8") as stream:  # noqa: PTH123
                stream.write("\n".join(sorted(sys.modules)))
        sys.stdout.flush()
        os._exit(code)

    def watch(event: str, details: tuple[object, ...]) -> None:
        if event in _CONNECTS:
            end(BEGUN)
        elif event in _OPENS and isinstance(details[0], str | os.PathLike):
            opened = os.path.abspath(os.fspath(details[0]))  # noqa: PTH100
            if isinstance(opened, str) and (opened + os.sep).startswith(place + os.sep):
                end(BEGUN)

    sys.argv = ["sixfold", *arguments]
    if at_work:
        sys.addaudithook(watch)
    from pipeline.cli import main as sixfold  # noqa: PLC0415 - the clock runs, and the hook must be there first

    try:
        sixfold()
    except SystemExit as ended:
        end(ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1)
    end(0)


if __name__ == "__main__":
    main()
