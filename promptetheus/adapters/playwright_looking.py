"""What a page shows, read without its secrets: text, selected values, warnings, accessibility tree, picture.

Sync and async pages are read by the same code: generators that yield what a call of the page returned and get its
value back. `now` runs them where calls return values, `later` where they return awaitables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Any, Literal, TypeVar

from promptetheus.calls import text_of

T = TypeVar("T")
Steps = Generator[Any, Any, T]

PATIENCE_MS = 2_000
"""How long a page may take to answer when we ask of our own accord: it may be hung, or behind a dialog."""

MAX_TEXT = 100_000
MAX_TREE = 50_000
MAX_FRAMES = 5
"""Frames inside the page that are read, too."""

SECRET_FIELDS = (
    "input[type=password]", "input[autocomplete*=password]", "input[autocomplete=one-time-code]",
    "input[autocomplete^=cc-]", "input[maxlength='1']", "[data-promptetheus-mask]",
)  # fmt: skip
"""What pictures of ours cover. Pages mark more with the attribute."""

SELECTED_VALUES = r"""() => {
  const secret = new RegExp(["passw|passphrase|pwd|secret|token|one.?time|otp\\b|2fa|mfa|\\bpin\\b|cvv|cvc|card.?num",
    "\\bssn\\b|iban|api.?key", "(verif\\w*|security|access|auth\\w*|sms|login|confirm\\w*).?(code|number)"
  ].join("|"), "i");
  const held = new Set(["one-time-code", "current-password", "new-password", "cc-number", "cc-csc", "cc-exp",
                        "cc-exp-month", "cc-exp-year", "cc-name"]);
  const found = {};
  let left = 200;
  for (const field of document.querySelectorAll("input, select, textarea")) {
    const type = (field.type || "").toLowerCase();
    if (["password", "hidden", "file", "submit", "button", "image", "reset"].includes(type)) continue;
    if (field.hasAttribute("data-promptetheus-mask") || field.maxLength === 1) continue;
    if ((field.autocomplete || "").split(/\s+/).some(part => held.has(part))) continue;
    const labels = field.labels ? [...field.labels].map(label => label.textContent.trim()) : [];
    const hints = [field.name, field.id, field.getAttribute("aria-label"), field.placeholder, field.title, ...labels];
    if (hints.some(hint => hint && secret.test(hint))) continue;
    let name = field.name || field.id || field.getAttribute("aria-label") || labels[0] || field.placeholder || type;
    if (type === "radio" && !field.checked) continue;
    const value = type === "checkbox" ? field.checked
      : field.multiple ? [...field.selectedOptions].map(option => option.value) : field.value;
    if (value === "" || !left--) { if (left < 0) break; continue; }
    name = String(name).slice(0, 100);
    const before = name;
    for (let n = 2; name in found; n++) name = before + " " + n;
    found[name] = typeof value === "string" ? value.slice(0, 500) : value;
  }
  return found;
}"""

WARNINGS = r"""() => {
  const marks = "[role=alert], [role=alertdialog], [aria-live=assertive], .error, .warning, .alert, " +
                "[class*=error i], [class*=warning i], [aria-invalid=true]";
  const found = new Set();
  for (const element of document.querySelectorAll(marks)) {
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || ["HTML", "BODY"].includes(element.tagName)) continue;
    const text = (element.matches("input, select, textarea") ? element.validationMessage : element.innerText) || "";
    if (text.trim()) found.add(text.trim().slice(0, 500));
    if (found.size >= 50) break;
  }
  return [...found];
}"""


def now(steps: Steps[T]) -> T:
    """Run the steps on a sync page."""
    value = None
    try:
        while True:
            value = steps.send(value)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def later(steps: Steps[T]) -> T:
    """Run the steps on an async page."""
    try:
        asked = steps.send(None)
        while True:
            try:
                value = await asked
            except Exception as error:
                asked = steps.throw(error)
            else:
                asked = steps.send(value)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def tried(ask: Callable[[], Any]) -> Steps[Any]:
    """The value of a call; None when the page does not answer: it is closed, gone elsewhere, hung."""
    try:
        return (yield ask())
    except Exception:
        return None


def snapshot(page: Any) -> Steps[dict[str, Any] | None]:
    """The arguments of `Session.dom_snapshot` for a page of Playwright; None when it does not answer."""
    body = yield from tried(lambda: page.inner_text("body", timeout=PATIENCE_MS))
    if body is None:
        return None
    texts: list[str] = [body]
    selected: dict[str, Any] = {}
    warnings: list[str] = []
    frames = page.frames
    for frame in [page.main_frame, *[found for found in frames if found is not page.main_frame][:MAX_FRAMES]]:
        prefix = "" if frame is page.main_frame else f"{frame.name or 'frame'}: "
        values, warned, text = yield from _frame(frame, with_text=bool(prefix))
        selected.update({prefix + name: value for name, value in (values or {}).items()})
        warnings += warned or []
        texts += [text] if text else []
    tree = yield from tried(lambda: page.locator("body").aria_snapshot(timeout=PATIENCE_MS))
    title = yield from tried(page.title)
    known = {"title": title, "accessibility_tree": None if tree is None else without_values(tree)[:MAX_TREE]}
    return {
        "url": page.url,
        "visible_text": "\n".join(texts)[:MAX_TEXT],
        "selected_values": selected,
        "warnings": warnings,
        "metadata": {name: value for name, value in known.items() if value},
    }


def _frame(frame: Any, with_text: bool) -> Steps[tuple[Any, Any, Any]]:
    """Selected values, warnings and text of one frame; None for what it does not tell."""
    root = frame.locator(":root")
    selected = yield from tried(lambda: root.evaluate(SELECTED_VALUES, timeout=PATIENCE_MS))
    warnings = yield from tried(lambda: root.evaluate(WARNINGS, timeout=PATIENCE_MS))
    if not with_text:
        return selected, warnings, None
    return selected, warnings, (yield from tried(lambda: frame.inner_text("body", timeout=PATIENCE_MS)))


def plain_snapshot(page: Any) -> Steps[dict[str, Any]]:
    """The same for an object that only looks like a page. Raises what it raises."""
    text = yield page.inner_text("body")
    selected = yield page.evaluate(SELECTED_VALUES)
    warnings = yield page.evaluate(WARNINGS)
    return {
        "url": text_of(getattr(page, "url", "")),
        "visible_text": text,
        "selected_values": selected,
        "warnings": warnings,
    }


def picture(page: Any, format: Literal["png", "jpeg"] = "png") -> Steps[bytes | None]:
    """A picture of the page with its secret fields covered; None when it cannot be taken."""

    def take() -> Any:
        covered = [page.locator(", ".join(SECRET_FIELDS))]
        return page.screenshot(timeout=PATIENCE_MS, mask=covered, type=format)

    found = yield from tried(take)
    return found if isinstance(found, bytes) else None


_TYPED_IN = re.compile(r"""^(\s*)- ['"]?(textbox|searchbox|spinbutton|combobox|slider)\b""")
_NAMED = re.compile(
    r"""^\s*-\ (
        '(?:[^']|'')*' | "(?:[^"\\]|\\.)*"
        | \w+ (?:\ "(?:[^"\\]|\\.)*" | \ /(?:[^/\\]|\\.)*/)? (?:\ \[[^\]]*\])*
    )(?=:|$)""",
    re.VERBOSE,
)


def without_values(tree: str) -> str:
    """An accessibility tree without what is typed into its fields: those of passwords are among them."""
    kept: list[str] = []
    inside: int | None = None
    for line in tree.splitlines():
        depth = len(line) - len(line.lstrip())
        if inside is not None and depth <= inside:
            inside = None
        if inside is not None and not line.lstrip().startswith(("- /", "- option", "- listbox")):
            continue
        if inside is None and (found := _TYPED_IN.match(line)):
            inside = depth
            named = _NAMED.match(line)
            line = f"{' ' * depth}- {found.group(2)}" if named is None else named.group(0)
        kept.append(line)
    return "\n".join(kept)
