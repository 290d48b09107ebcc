"""The documentation site: built without a warning, and looked at in a browser."""

from __future__ import annotations

import functools
import re
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml

from scripts import site
from tests.stacks.support import ROOT
from tests.support.browser import BROWSER, Browser, browser
from translation_job_guard import AmazonTranslateJobGuard
from translation_job_guard._project import REPOSITORY

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="Zensical needs Python 3.11")
looks = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium: `apt-get install chromium`")
PAGES = ("index", "tutorial", "reference/python", "reference/json", "policies", "lifecycle", "cli/plan", "security")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the working tree, built in a directory of its own."""
    directory = tmp_path_factory.mktemp("site")
    site.build(directory)
    return directory / "build" / "site"


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    """Where a plain web server shows the site."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=built)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def test_every_page_is_in_the_navigation() -> None:
    """A page that nobody can reach is noticed; the code of conduct is linked from the page on contributing."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = yaml.safe_load(text.partition("\nnav:")[2].partition("\ntheme:")[0])
    listed = set(re.findall(r"[\w/-]+\.md", str(nav)))
    assert listed == {name for name in site.pages().values() if name.endswith(".md")} - {"conduct.md"}


def test_links_of_a_page_lead_to_the_site_or_to_the_repository() -> None:
    """Each in the form that it has on the forge; code is not touched."""
    own = site.ROOT / "docs" / "ci.md"
    code = "```md\n[a](../README.md)\n```"
    text = (
        f"[a](cli/README.md) [b](../SECURITY.md#threat-model) [c](../stacks/aws.py#x) [d](https://a/b) [e](#f)\n{code}"
    )
    assert site.relinked(text, own) == (
        f"[a](cli/index.md) [b](security.md#threat-model) [c]({REPOSITORY}/blob/main/stacks/aws.py) "
        f"[d](https://a/b) [e](#f)\n{code}"
    )
    assert site.relinked("[a](../README.md#guarantees)", own) == "[a](guarantees.md)"


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    """To a page that is not there, and to a heading that is not there: `--strict` finds both."""
    for link in ("missing.md", "tutorial.md#missing"):
        with pytest.raises(SystemExit):
            site.build(tmp_path, {"why.md": f"# Why\n\n[a link]({link})\n"})


def test_every_link_within_the_site_leads_somewhere(built: Path) -> None:
    """In the pages as they were built, menus and the API's cross-references included."""
    anchors = {
        path: set(re.findall(r'\bid="?([^\s">]+)', path.read_text(encoding="utf-8"))) for path in built.rglob("*.html")
    }
    checked = 0
    for path, link in site.links(built):
        if path.name == "404.html":
            continue
        parts = urlsplit(urljoin(path.as_uri(), link))
        target = Path(unquote(parts.path))
        assert target.is_file(), f"{path.name} links to {link}"
        if parts.fragment and target in anchors:
            assert unquote(parts.fragment) in anchors[target], f"{path.name} links to {link}"
        checked += 1
    assert checked > 1000


def test_the_api_is_made_from_docstrings(built: Path) -> None:
    text = (built / "reference" / "python.html").read_text(encoding="utf-8")
    for name in ("AmazonTranslateJobGuard", "AzureDocumentTranslationScope", "policies", "InvalidArgument"):
        assert name in text
    (first, *_) = (AmazonTranslateJobGuard.__doc__ or "").splitlines()
    assert first in text


@looks
@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_read_on_a_phone_and_on_a_desk(name: str, page: Browser, address: str) -> None:
    """Nothing is wider than the screen (tables and code scroll by themselves), and letters are large enough."""
    for width in (390, 1280):
        page.resize(width)
        page.open(f"{address}{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('article p')).fontSize)")
        assert size >= 14


@looks
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_follows_the_readers_colour_scheme(scheme: str, page: Browser, address: str) -> None:
    """And text stands out from its ground in both."""
    page.resize(1280)
    page.prefer(scheme)
    page.forget(address)  # as for a reader who has not been there before
    page.open(f"{address}why.html")
    luminance = """(css => {
        const [r, g, b] = css.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    })"""
    # The theme's script sets the scheme once the page has been shown.
    side = ">" if scheme == "light" else "<="
    page.wait_for(f"{luminance}(getComputedStyle(document.body).backgroundColor) {side} 0.5")
    ground = page.evaluate(f"{luminance}(getComputedStyle(document.body).backgroundColor)")
    text = page.evaluate(f"{luminance}(getComputedStyle(document.querySelector('article p')).color)")
    assert (max(ground, text) + 0.05) / (min(ground, text) + 0.05) >= 4.5


@looks
def test_the_search_finds_a_word_and_nothing_is_asked_of_another_host(page: Browser, address: str) -> None:
    """No font, script, search engine or counter from elsewhere: the site works without the internet."""
    page.resize(1280)
    page.open(f"{address}index.html")
    page.evaluate("document.querySelector('.md-search__button').click()")
    field = "[document, ...[...document.querySelectorAll('*')].map(e => e.shadowRoot).filter(e => e)]"
    page.wait_for(f"{field}.some(e => e.querySelector('input[type=text], input[type=search], input:not([type])'))")
    page.evaluate(f"""{field}.flatMap(e => [...e.querySelectorAll('input')])
        .filter(e => !['checkbox', 'radio'].includes(e.type)).forEach(e => {{
            e.focus(); e.value = 'undecided'; e.dispatchEvent(new InputEvent('input', {{bubbles: true}}));
        }})""")
    page.wait_for(f"{field}.flatMap(e => [...e.querySelectorAll('mark')]).some(e => /undecided/i.test(e.textContent))")
    assert [url for url in page.requested if not url.startswith((address, "data:", "blob:", "about:"))] == []
    assert len(page.requested) > 5
