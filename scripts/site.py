"""Build the documentation site into `build/site/`, or with `--serve` show it on this machine.

The pages are those that the forge shows: `docs/`, and some of the repository's own files. This gathers them in
`build/pages/`, with links that work there: a link to a page of the site stays one, any other link into the repository
leads to the repository's address.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from translation_job_guard._project import REPOSITORY

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
ZENSICAL = Path(sys.executable).parent / "zensical"
MORE = {
    ROOT / "ARCHITECTURE.md": "architecture.md",
    ROOT / "CHANGELOG.md": "changes.md",
    ROOT / "CODE_OF_CONDUCT.md": "conduct.md",
    ROOT / "CONTRIBUTING.md": "contributing.md",
    ROOT / "SECURITY.md": "security.md",
    ROOT / "emulator" / "README.md": "emulator.md",
}
"""Files outside of `docs/` that are pages of the site, and what the pages are called."""
_FENCE = re.compile(r"^( *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?P<target>(?!https?://|mailto:|#)[^)\s]+)(?=\))")
_OWN_ADDRESS = re.compile(rf"(?<=\]\(){re.escape(REPOSITORY)}/blob/main/(?P<path>[^)\s#]+)(?=[)#])")


def pages() -> dict[Path, str]:
    """Return the files that become pages or images of the site, and where in the site each goes."""
    own = {path: str(path.relative_to(DOCS)) for path in sorted(DOCS.rglob("*")) if path.is_file()}
    named = {path: re.sub(r"(^|/)README\.md$", r"\1index.md", name) for path, name in own.items()}
    return MORE | named


def gather(directory: Path, instead: Mapping[str, str] | None = None) -> None:
    """Write the pages into a directory, which is emptied first.

    Args:
        directory: where the pages go.
        instead: texts of pages by name, to show them as they could be.
    """
    shutil.rmtree(directory, ignore_errors=True)
    for source, name in pages().items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text = (instead or {}).get(name) or source.read_text(encoding="utf-8")
            target.write_text(relinked(text, source), encoding="utf-8")
        else:
            shutil.copyfile(source, target)


def relinked(text: str, source: Path) -> str:
    """Return the text of a page with links that work in the site. Code is left as it is."""
    parts = _FENCE.split(text)
    return "".join(part if index % 2 else _relinked(part, source) for index, part in enumerate(parts))


def _relinked(text: str, source: Path) -> str:
    # The README is for the forge; the site begins with a page of its own.
    places = pages() | {ROOT / "README.md": "index.md"}
    here = Path(places[source]).parent

    def within(target: Path, anchor: str) -> str:
        if target == ROOT / "README.md" and anchor == "#guarantees":
            target, anchor = DOCS / "guarantees.md", ""
        if target in places:
            return os.path.relpath(places[target], here) + anchor
        # Files of the forge have no anchors that name tests.
        kind = "tree" if target.is_dir() else "blob"
        return f"{REPOSITORY}/{kind}/main/{target.relative_to(ROOT)}" + (anchor if target.suffix == ".md" else "")

    def relative(found: re.Match[str]) -> str:
        path, hash_, anchor = found["target"].partition("#")
        target = (source.parent / path).resolve()
        # A link that leads nowhere stays as it is: the build reports it.
        return within(target, hash_ + anchor) if target.exists() else found["target"]

    text = _OWN_ADDRESS.sub(lambda found: within(ROOT / found["path"], ""), text)
    return _LINK.sub(relative, text)


def build(directory: Path, instead: Mapping[str, str] | None = None) -> None:
    """Build the site into `build/site/` of a directory. Any warning is an error.

    Args:
        directory: the repository, or a directory of a test.
        instead: texts of pages by name, in place of their own.

    Raises:
        SystemExit: the site has a mistake, which has been printed.
    """
    gather(directory / "build" / "pages", instead)
    configuration = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    if directory != ROOT:
        configuration = configuration.replace("paths: [., emulator]", f"paths: ['{ROOT}', '{ROOT}/emulator']")
        (directory / "mkdocs.yml").write_text(configuration, encoding="utf-8")
    environment = dict(os.environ) if sys.stdout.isatty() else {**os.environ, "NO_COLOR": "1"}
    command = [str(ZENSICAL), "build", "--clean", "--strict"]
    if subprocess.run(command, cwd=directory, env=environment, check=False).returncode != 0:
        sys.exit("The site has mistakes (see above).")


def links(directory: Path) -> Iterator[tuple[Path, str]]:
    """Yield each link and source of a built page that stays within the site, with the file that has it."""
    for path in sorted(directory.rglob("*.html")):
        for target in re.findall(r'\b(?:href|src)="([^"]*)"', path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:|//", target):
                yield path, target


def main() -> None:
    """Build the site, or serve it."""
    if sys.version_info < (3, 11):
        print("Zensical needs Python 3.11 or newer: the site is not built. `make setup PYTHON=python3.11` first.")
        return
    if "--serve" in sys.argv[1:]:
        gather(ROOT / "build" / "pages")
        sys.exit(subprocess.run([ZENSICAL, "serve"], cwd=ROOT, check=False).returncode)
    build(ROOT)


if __name__ == "__main__":
    main()
