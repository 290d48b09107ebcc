"""The page in a real browser: both colour schemes, wide and narrow, what it shows and how well it can be read."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest

from tests.cli.conftest import REGION, ROLE, AddJobs, Cli
from tests.support.states import state

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="there is no Chromium: `apt-get install chromium`, or `brew install --cask chromium`"
)
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)
SCHEMES = {"light": "--blink-settings=preferredColorScheme=1", "dark": "--blink-settings=preferredColorScheme=0"}

MEASURE = """
<script>
function channels(text) { return text.match(/[\\d.]+/g).map(Number); }
function luminance(c) {
  const part = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const [r, g, b] = c.slice(0, 3).map(v => part(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ground(element) {
  for (let one = element; one; one = one.parentElement) {
    const c = channels(getComputedStyle(one).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c;
  }
  return [255, 255, 255];
}
let worst = 21, read = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, style")) continue;
  const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(ground(element))];
  worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  read += 1;
}
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const bars = [...document.querySelectorAll("rect.bar")].filter(one => one.getBoundingClientRect().width > 0).length;
document.documentElement.dataset.measured = JSON.stringify(
  [Math.round(worst * 100) / 100, read, wide, bars, Math.round(luminance(ground(document.body)) * 100)]);
</script>
"""


@pytest.fixture
def page(cli: Cli, add_jobs: AddJobs) -> Path:
    """What ``scan`` makes of both clouds, with a place that is down."""
    add_jobs(name="pr-17-a-rather-long-name-for-a-job-that-would-not-wrap-by-itself-anywhere-at-all")
    add_jobs(3, resource="translator")
    endpoint = cli.emulator.azure_endpoint("translator")
    cli.emulator.control.fault("ListTextTranslationJobs", "denied", match={"region": "eu-central-1"}, times=None)
    done = cli("scan", "--region", REGION, "--region", "eu-central-1", "--endpoint", endpoint, "-o", "html=page.html")
    assert done.returncode in (1, 2), done.stderr
    return cli.directory / "page.html"


def browse(profile: Path, *arguments: str) -> str:
    assert BROWSER is not None
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [BROWSER, *QUIET, f"--user-data-dir={profile}", *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        timeout=120,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("width", [1280, 500])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_can_be_read_in_both_schemes_wide_and_narrow(
    page: Path, tmp_path: Path, scheme: str, width: int
) -> None:
    """Every text stands out from its ground, nothing reaches out to the side, each job has its bar."""
    text = page.read_text()
    measured = page.with_name("measured.html")
    # The page itself lets no script run.
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</body>", MEASURE + "</body>")
    measured.write_text(text)
    size = f"--window-size={width},900"
    dom = browse(tmp_path / "profile", SCHEMES[scheme], size, "--dump-dom", measured.as_uri())
    found = re.search(r'data-measured="\[([^\]]*)\]"', dom)
    assert found is not None, dom[-500:]
    worst, read, wide, bars, ground = (float(part) for part in found[1].split(","))
    assert worst >= 4.5
    assert read > 30
    assert wide == 0
    assert bars == 4
    assert (ground > 50) is (scheme == "light")

    picture = tmp_path / f"{scheme}-{width}.png"
    browse(tmp_path / "profile", SCHEMES[scheme], size, f"--screenshot={picture}", page.as_uri())
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_page_can_be_printed(page: Path, tmp_path: Path) -> None:
    """To a PDF that has pages."""
    printed = tmp_path / "page.pdf"
    browse(tmp_path / "profile", SCHEMES["dark"], "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.as_uri())
    assert b"/Type /Page" in printed.read_bytes()


WIDTHS = (1280, 1201, 768, 390)
FRAMED = """
<script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(frame => {
    const inside = frame.contentDocument, root = inside.documentElement;
    const hidden = [...inside.querySelectorAll(".scroll")].map(one => one.scrollWidth - one.clientWidth);
    return [root.scrollWidth - root.clientWidth, Math.max(0, ...hidden), inside.querySelectorAll("td").length];
  });
  document.documentElement.dataset.measured = JSON.stringify(found);
});
</script>
"""


@pytest.mark.parametrize("command", ["orphans", "plan", "scan"])
def test_no_column_is_hidden_on_a_desk_a_tablet_and_a_phone(
    cli: Cli, add_jobs: AddJobs, tmp_path: Path, command: str
) -> None:
    """Names, roles and folders are as long as real ones; a browser's window is never as narrow as a phone."""
    made = state(cli.emulator.url, guards={"guard": {"scope": [{"job_name_prefixes": ["covered-"]}]}}, keep=["role"])
    (cli.directory / "dev.json").write_text(json.dumps(made))
    role = "arn:aws:iam::123456789012:role/service-role/translation-environment-pull-request-1742-eu"
    add_jobs(
        name="nightly-translation-of-the-product-catalogue-pull-request-1742",
        role=role,
        input="s3://translation-environment-pull-request-1742/product-catalogue/source/",
        output="s3://translation-environment-pull-request-1742/product-catalogue/target/",
    )
    add_jobs(3, name="covered-by-a-guard", role=ROLE)
    given = ["--region", REGION] if command == "scan" else ["--state", "dev.json"]
    done = cli(command, *given, "-o", "html=page.html")
    assert done.returncode == 1, done.stderr
    text = escape((cli.directory / "page.html").read_text())
    frames = "".join(f'<iframe width="{width}" height="900" srcdoc="{text}"></iframe>' for width in WIDTHS)
    framed = cli.directory / "framed.html"
    framed.write_text(f"<!DOCTYPE html><html><body>{frames}{FRAMED}</body></html>")
    dom = browse(tmp_path / "profile", "--window-size=1400,1000", "--dump-dom", framed.as_uri())
    found = re.search(r'data-measured="(\[\[.*?\]\])"', dom)
    assert found is not None, dom[-500:]
    for width, (wide, hidden, cells) in zip(WIDTHS, json.loads(found[1]), strict=True):
        assert cells > 3
        assert (width, wide, hidden) == (width, 0, 0)
