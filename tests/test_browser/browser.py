"""A real Chromium for tests, spoken to in its DevTools protocol over one WebSocket.

Not Playwright: that would add 170 MB, a Node runtime and libatomic1 to the lock for what takes these lines, and its own
idea of when a page is ready. Here every wait names what it waits for, and names and roles come from the browser's own
accessibility tree.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiohttp import ClientSession

from tests.support.timeouts import PATIENCE

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless=new",
    # Tests run as root in containers; the only pages it ever sees are ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--metrics-recording-only",
    "--password-store=basic",
    "--force-color-profile=srgb",
    # Only this machine can be reached by any page.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--remote-debugging-port=0",
    "about:blank",
)
KEYS: Final = {
    "Tab": ("Tab", 9, ""),
    "Enter": ("Enter", 13, "\r"),
    "Space": ("Space", 32, " "),
    "Escape": ("Escape", 27, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "Backspace": ("Backspace", 8, ""),
}


def find_chromium() -> str | None:
    """Where Chromium is, if it is here."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """The process. One is enough for all tests: each of them gets fresh, empty profiles in it."""

    def __init__(self, program: str) -> None:
        self.profile = Path(tempfile.mkdtemp(prefix="mitsprache-chromium-"))
        self._process = subprocess.Popen(
            [program, f"--user-data-dir={self.profile}", *FLAGS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.url = f"ws://127.0.0.1:{self._endpoint()}"

    def _endpoint(self) -> str:
        file, until = self.profile / "DevToolsActivePort", time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            lines = file.read_text().split() if file.exists() else []
            if len(lines) == 2:
                return "".join(lines)
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"{NAMES[0]} is here, but does not start")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


class BrowserError(Exception):
    """What the browser refused."""


class Line:
    """The WebSocket: calls, their results, and what the browser reports by itself."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._calls: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.listeners: dict[str, Callable[[str, dict[str, Any]], None]] = {}

    async def read(self) -> None:
        async for message in self._socket:
            data = json.loads(message.data)
            if "id" in data:
                call = self._calls.pop(data["id"], None)
                if call and not call.done():
                    call.set_result(data)
            elif listener := self.listeners.get(data.get("sessionId", "")):
                listener(data["method"], data["params"])

    async def call(self, method: str, session: str = "", **given: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._calls[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": given}
        if session:
            message["sessionId"] = session
        await self._socket.send_str(json.dumps(message))
        answer = await asyncio.wait_for(self._calls[number], 60)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message')}")
        return dict(answer["result"])


@asynccontextmanager
async def connected(chromium: Chromium) -> AsyncIterator[Line]:
    """A line for one test: each has an event loop of its own."""
    async with ClientSession() as http, http.ws_connect(chromium.url, max_msg_size=0) as socket:
        line = Line(socket)
        reading = asyncio.create_task(line.read())
        try:
            yield line
        finally:
            reading.cancel()


class Seen(NamedTuple):
    """What a screen reader is told about the element in focus."""

    role: str
    name: str
    value: str
    """The element's `value`: the token of a button."""
    focus: str
    """How the focus is shown; "" if it is not."""


class Tab:
    """One tab. What the page complains about and whom it asks is kept, for the end of the test."""

    def __init__(self, line: Line, target: str, session: str, origin: str) -> None:
        self._line, self.target, self._session, self.origin = line, target, session, origin
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.bytes: dict[str, int] = {}
        self._compiled: dict[str, str] = {}
        """Large scripts by their text: the id of each in the browser."""
        line.listeners[session] = self._hear

    def _hear(self, method: str, given: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(given["url"])
        elif method == "Network.loadingFinished":
            self.bytes[given["requestId"]] = int(given["encodedDataLength"])
        elif method == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            self.complaints.append(f"{details['text']} {details.get('exception', {}).get('description', '')}")
        elif (
            method == "Log.entryAdded" and given["entry"]["source"] != "network" and given["entry"]["level"] == "error"
        ):
            self.complaints.append(given["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            # "Leave this page?": a person who leaves, leaves.
            self._later = asyncio.ensure_future(self.call("Page.handleJavaScriptDialog", accept=True))

    async def call(self, method: str, **given: Any) -> dict[str, Any]:
        return await self._line.call(method, self._session, **given)

    async def begin(self) -> None:
        # Not Accessibility: it would keep a tree up to date for every page; who asks for that tree gets it anyway.
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")

    # What the browser shows

    async def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; of a promise, what it brings."""
        return _value(await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True))

    async def run(self, script: str) -> None:
        """Runs a large script, which is sent and compiled once per tab."""
        if script not in self._compiled:
            made = await self.call("Runtime.compileScript", expression=script, sourceURL="", persistScript=True)
            self._compiled[script] = made["scriptId"]
        try:
            _value(await self.call("Runtime.runScript", scriptId=self._compiled[script], silent=True))
        except BrowserError:  # the page is in another process of the browser, which does not have it
            await self.evaluate(f"{script};true")

    async def until(self, condition: str, why: str = "", patience: float = PATIENCE) -> None:
        """Waits until an expression is true, also across the loading of pages."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                if await self.evaluate(f"!!({condition})"):
                    return
            except BrowserError:
                pass  # between two pages there is nothing to evaluate in
            await asyncio.sleep(0.02)
        here = await self.evaluate("location.pathname + '\\n' + document.body.innerText")
        raise AssertionError(f"waited in vain for {why or condition}, at {here}")

    async def sees(self, words: str) -> None:
        await self.until(f"document.body.innerText.includes({json.dumps(words)})", repr(words))

    @asynccontextmanager
    async def leaving(self, why: str = "the next page") -> AsyncIterator[None]:
        """What is done within leads to another page; ends when that one and its scripts have run.

        Two pages may look alike, as a form that is shown once more: waiting for what should be on the new one could
        find it on the old one.
        """
        await self.evaluate("window.isOld = true")
        yield
        await self.until("!window.isOld && document.readyState === 'complete'", why)

    async def go(self, path: str) -> None:
        """Opens a page and waits until it and its scripts have run."""
        async with self.leaving(path):
            await self.call("Page.navigate", url=path if ":" in path else self.origin + path)

    async def size(self, width: int, height: int = 800, scale: float = 1, is_mobile: bool = False) -> None:
        """The viewport in CSS pixels. 320 wide is also what 1280 is at 400 % zoom."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=is_mobile,
        )
        await self.call("Emulation.setTouchEmulationEnabled", enabled=is_mobile)

    async def media(self, kind: str = "", **features: str) -> None:
        """Emulates `print`, and what people have set: `prefers_color_scheme="dark"`, `forced_colors="active"` …"""
        given = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        await self.call("Emulation.setEmulatedMedia", media=kind, features=given)

    async def scripts(self, *, on: bool) -> None:
        await self.call("Emulation.setScriptExecutionDisabled", value=not on)

    async def still(self) -> None:
        """Waits for the end of what moves: halfway there, things are transparent."""
        await self.evaluate(_STILL)

    async def picture(self, file: Path) -> None:
        """The whole page as PNG."""
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(shot["data"]))

    async def offline(self, *, on: bool) -> None:
        """What the browser believes about its line, as on a phone in a tunnel."""
        await self.call(
            "Network.emulateNetworkConditions", offline=on, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )

    # What a person does

    async def back(self) -> None:
        """The back button of the browser."""
        past = await self.call("Page.getNavigationHistory")
        entry = past["entries"][past["currentIndex"] - 1]["id"]
        await self.call("Page.navigateToHistoryEntry", entryId=entry)

    async def press(self, key: str, *, shift: bool = False) -> None:
        """One key, down and up: a name of KEYS or a character."""
        await self.hold(key, shift=shift)
        await self.release(key, shift=shift)

    async def hold(self, key: str, *, shift: bool = False) -> None:
        given, text = _key(key, shift=shift)
        if text:
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **given)
        else:
            await self.call("Input.dispatchKeyEvent", type="rawKeyDown", **given)

    async def release(self, key: str, *, shift: bool = False) -> None:
        given, _ = _key(key, shift=shift)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    async def write(self, words: str) -> None:
        for character in words:
            await self.press(character)

    async def focused(self) -> Seen:
        """What has the focus, as the accessibility tree names it."""
        given = await self.call("Runtime.evaluate", expression="document.activeElement")
        nodes = await self.call(
            "Accessibility.getPartialAXTree", objectId=given["result"]["objectId"], fetchRelatives=False
        )
        node = nodes["nodes"][0]
        value, focus = await self.evaluate(_FOCUS)
        return Seen(_text(node, "role"), _text(node, "name"), value, focus)

    async def tab_to(self, wanted: str, *, most: int = 90) -> Seen:
        """Presses Tab until the focus is on what ends with this name, or has a value that ends so."""
        way = []
        for _ in range(most):
            await self.press("Tab")
            seen = await self.focused()
            if (seen.name and seen.name.endswith(wanted)) or (seen.value and seen.value.endswith(wanted)):
                assert seen.focus, f"nobody sees that {seen} has the focus"
                return seen
            way.append(f"{seen.role} {seen.name!r} {seen.value}")
        raise AssertionError(f"no Tab leads to {wanted!r}, but to: " + ", ".join(dict.fromkeys(way)))

    async def point(self, selector: str) -> tuple[float, float]:
        """The middle of an element, scrolled into view, once nothing moves it any more."""
        script = f"""(element => {{
          const box = element.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
          // A page that has just come takes no taps yet: they were meant for the one before.
          if (document.querySelector("[data-deaf]")) return null;
          if (element.contains(document.elementFromPoint(x, y))) return [x, y];
          element.scrollIntoView({{block: "center"}});
          return null;
        }})(document.querySelector({json.dumps(selector)}))"""
        before, now, end = None, None, time.monotonic() + PATIENCE
        while now is None or before != now:
            assert time.monotonic() < end, f"{selector} lies under something, or moves for ever"
            # Longer than the page takes to begin to scroll to the last message.
            await asyncio.sleep(0.12)
            before, now = now, await self.evaluate(script)
        return now[0], now[1]

    async def tap(self, selector: str) -> None:
        """A finger on the middle of an element."""
        # A page that is still arriving moves under the finger.
        there = f"document.readyState === 'complete' && document.querySelector({json.dumps(selector)})"
        await self.until(there, selector)
        x, y = await self.point(selector)
        await self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        await self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    async def drag(self, selector: str, onto: str) -> None:
        """The mouse takes an element and lets go of it on another one."""
        there = f"document.readyState === 'complete' && document.querySelector({json.dumps(selector)})"
        await self.until(there, selector)
        x, y = await self.point(selector)
        await self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
        box = f"document.querySelector({json.dumps(onto)}).getBoundingClientRect()"
        to_x, to_y = await self.evaluate(f"(it => [it.x + it.width / 2, it.y + 4])({box})")
        for step in range(1, 11):
            way = {"x": x + (to_x - x) * step / 10, "y": y + (to_y - y) * step / 10}
            await self.call("Input.dispatchMouseEvent", type="mouseMoved", button="left", buttons=1, **way)
            await self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)))")
        await self.call("Input.dispatchMouseEvent", type="mouseReleased", x=to_x, y=to_y, button="left", clickCount=1)

    async def click(self, selector: str) -> None:
        # A page that is still arriving moves under the finger.
        there = f"document.readyState === 'complete' && document.querySelector({json.dumps(selector)})"
        await self.until(there, selector)
        x, y = await self.point(selector)
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


_STILL: Final = """Promise.race([
  Promise.allSettled(document.getAnimations().map(it => it.finished)),
  new Promise(done => setTimeout(done, 2000))]).then(() => true)"""
_FOCUS: Final = """(element => {
  const shown = style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 ? style.outline : "";
  const label = element.closest("label");
  const focus = shown(getComputedStyle(element)) || label && shown(getComputedStyle(label)) || "";
  return [String(element.value ?? ""), focus];
})(document.activeElement)"""


def _value(answer: dict[str, Any]) -> Any:
    """The value of what ran in the page. Raises BrowserError if it ended with an exception."""
    if "exceptionDetails" in answer:
        details = answer["exceptionDetails"]
        raise BrowserError(details.get("exception", {}).get("description") or details["text"])
    return answer["result"].get("value")


def _key(key: str, *, shift: bool) -> tuple[dict[str, Any], str]:
    """A key as the protocol names it, and what it writes."""
    code, number, text = KEYS.get(key, ("", 0, key))
    given: dict[str, Any] = {"key": " " if key == "Space" else key, "modifiers": 8 if shift else 0}
    return given | ({"code": code, "windowsVirtualKeyCode": number} if code else {}), text


def _text(node: dict[str, Any], what: str) -> str:
    return " ".join(str(node.get(what, {}).get("value", "")).split())


class Device:
    """One person's device: a profile with cookies of its own, and its tabs."""

    def __init__(self, line: Line, context: str, origin: str) -> None:
        self._line, self.context, self.origin = line, context, origin
        self.tabs: list[Tab] = []

    async def tab(self, path: str = "") -> Tab:
        made = await self._line.call("Target.createTarget", url="about:blank", browserContextId=self.context)
        target = made["targetId"]
        session = await self._line.call("Target.attachToTarget", targetId=target, flatten=True)
        tab = Tab(self._line, target, session["sessionId"], self.origin)
        await tab.begin()
        await tab.size(1000)
        self.tabs.append(tab)
        if path:
            await tab.go(path)
        return tab

    async def front(self, tab: Tab) -> None:
        await self._line.call("Target.activateTarget", targetId=tab.target)


@asynccontextmanager
async def device(line: Line, origin: str) -> AsyncIterator[Device]:
    """A device that is thrown away afterwards."""
    context = (await line.call("Target.createBrowserContext", disposeOnDetach=True))["browserContextId"]
    try:
        yield Device(line, context, origin)
    finally:
        # The test is over. A context of many tabs that a busy browser does not close in time goes with its line
        # (`disposeOnDetach`); the rest of the test must be closed as well.
        with suppress(TimeoutError):
            await line.call("Target.disposeBrowserContext", browserContextId=context)
