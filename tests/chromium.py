"""A headless Chromium that looks at a page as its user would, over DevTools' own pipe."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT = 90.0  # seconds for an answer
WINDOWS = ((1280, 900), (390, 844))
CUT = """[...document.querySelectorAll('.chart')].flatMap((chart) => {
  const edge = chart.getBoundingClientRect();
  return [...chart.querySelectorAll('.gtitle, .legendtext')].filter((text) => {
    const box = text.getBoundingClientRect();
    return box.right > edge.right + 1 || box.bottom > edge.bottom + 1;
  }).map((text) => text.textContent);
})"""  # titles and legends that reach out of their chart
READY = "document.documentElement.dataset.charts !== undefined"


def find_chromium() -> str | None:
    """Its program, if there is one; $CHROMIUM names another."""
    return next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *NAMES))), None)


@dataclass
class Page:
    """A tab, and all that it said and asked for since it was opened."""

    to_browser: int
    from_browser: int
    session: str = ""
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _buffer: bytes = b""
    _number: int = 0

    def call(self, method: str, **parameters: object) -> dict:
        """A command's result; events that come before it are noted."""
        self._number += 1
        message: dict = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def evaluate(self, expression: str) -> object:
        """The value of a JavaScript expression."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    def show(self, file: Path, width: int, height: int, until: str) -> None:
        """Open a file in a window of this size, and wait for an expression to become true."""
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone},
        )
        self.call("Page.navigate", url=file.resolve().as_uri())
        end = time.monotonic() + TIMEOUT
        while not self.evaluate(until):
            if time.monotonic() > end:
                raise TimeoutError(f"{until} has not become true; errors: {self.errors}")
            time.sleep(0.1)

    def screenshot(self, file: Path) -> None:
        """The whole page as a PNG, or what is in the window."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    def _next(self) -> dict:
        while b"\0" not in self._buffer:
            if not select.select([self.from_browser], [], [], TIMEOUT)[0]:
                raise TimeoutError("Chromium does not answer")
            if not (part := os.read(self.from_browser, 1 << 20)):
                raise RuntimeError("Chromium has ended")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict) -> None:
        own = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.errors.append(str(own["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if own["type"] in ("error", "warning", "assert"):
                self.errors.append(str(own["args"]))
            case "Log.entryAdded" if own["entry"]["level"] in ("error", "warning"):
                self.errors.append(str(own["entry"]))
            case "Network.requestWillBeSent":
                self.requests.append(own["request"]["url"])


@contextmanager
def open_page(program: str) -> Iterator[Page]:
    """A page in a browser of its own."""
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]
        # It reads descriptor 3 and writes 4.
        shell = f'exec 3<&{commands} 4>&{answers}; exec "$@"'
        process = subprocess.Popen(
            ["bash", "-c", shell, "bash", program, *options, "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        try:
            page = Page(to_browser, from_browser)
            target = page.call("Target.createTarget", url="about:blank")["targetId"]
            attached = page.call("Target.attachToTarget", targetId=target, flatten=True)
            page.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.call(f"{domain}.enable")
            yield page
        finally:
            process.terminate()
            process.wait(30)
            os.close(to_browser)
            os.close(from_browser)


def check_report(page: Page, file: Path, width: int, height: int) -> None:
    """Open a report, and assert that it is sound: drawn, quiet, self-contained, not too wide."""
    page.show(file, width, height, READY)
    charts = int(page.evaluate("document.documentElement.dataset.charts"))
    assert charts == page.evaluate("document.querySelectorAll('.chart').length") > 0
    empty = "[...document.querySelectorAll('.chart')].filter(c => !c.querySelector('svg.main-svg'))"
    assert page.evaluate(f"{empty}.length") == 0
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert page.evaluate(broken) == 0
    assert page.evaluate(CUT) == []
    assert page.evaluate("innerWidth") == width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = "[...document.querySelectorAll('p, td, dd, figcaption, a')]"
    sizes = f"Math.min(...{small}.map(e => parseFloat(getComputedStyle(e).fontSize)))"
    assert page.evaluate(sizes) >= 13
    assert page.errors == []
    outside = [url for url in page.requests if not url.startswith(("data:", "blob:"))]
    assert set(outside) <= {file.resolve().as_uri()}


def main() -> None:
    """Screenshots of a page at a desktop's and a phone's width: FILE OUT_DIR."""
    file, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    program = find_chromium()
    if program is None:
        sys.exit("no Chromium found")
    for width, height in WINDOWS:
        with open_page(program) as page:
            check_report(page, file, width, height)
            page.screenshot(out / f"{file.stem}_{width}.png")
    print(f"no errors, no requests; screenshots in {out}")


if __name__ == "__main__":
    main()
