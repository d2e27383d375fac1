"""Steps of the tests of corrections on the page."""

from typing import Any

from .visits import Visit

UNDO_ALL = """async () => {
  await allin1.editing.done;
  while (allin1.sheet.corrections.canUndo) await allin1.editing.correct({ do: "undo" });
  if (!allin1.editing.panel.element.hidden) allin1.editing.togglePanel();
  document.querySelector(".panel .check input").checked = false;
  document.querySelector(".downloads [type=radio]").click();
}"""


def press(seen: Visit, name: str) -> None:
    seen.page.get_by_role("button", name=name, exact=True).click()


def settle(seen: Visit) -> None:
    """Wait until all requests are answered and drawn."""
    seen.run("async () => { await allin1.editing.done; }")
    seen.page.wait_for_function("!allin1.view.pending")


def result(seen: Visit) -> dict[str, Any]:
    """The result that a download would give now."""
    settle(seen)
    link = "document.querySelector('.fixes .save').href"
    found: dict[str, Any] = seen.run(f"async () => (await fetch({link})).json()")
    return found


def last_edit(seen: Visit) -> dict[str, Any]:
    edit: dict[str, Any] = result(seen)["edits"][-1]
    return edit


def words(seen: Visit) -> list[str]:
    settle(seen)
    return seen.page.locator(".edited li > span").all_inner_texts()


def starts(seen: Visit) -> list[float]:
    settle(seen)
    return list(seen.run("allin1.sheet.sections.map((section) => section.start)"))


def grip(seen: Visit, time: float, row: str = "sections") -> tuple[float, float]:
    """The place of the grip of a boundary or of a beat on the screen."""
    frame = seen.page.locator(".timeline").bounding_box()
    assert frame is not None
    x = frame["x"] + seen.run("t => allin1.view.toX(t)", time)
    top, bottom = seen.run("row => allin1.view.rows[row]", row)
    return x, frame["y"] + (bottom - 10 if row == "wave" else (top + bottom) / 2)


def drag(seen: Visit, start: tuple[float, float], end: tuple[float, float]) -> None:
    seen.drag(start, end)
    settle(seen)
