"""A person at the web terminal: signs in, rests an order, cancels it, fills one, and sees each in the page."""

import re

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, expect, sync_playwright

from .platform_process import demo_platform

WAIT_MS = 20_000
DESKTOP, PHONE, SMALL = (1440, 900), (390, 844), (320, 640)
# What rests and what fills. Both sizes share one account: equal quantities would let one pass on the other's orders.
QUANTITIES = {"desktop": ("7", "13"), "phone": ("8", "17")}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with demo_platform(tmp_path_factory.mktemp("platform")) as platform:
        yield platform


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(request, running, chromium):
    width, height = request.param
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable, args=chromium.arguments, env=chromium.environment
        )
        context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width == PHONE[0])
        opened = context.new_page()
        opened.set_default_timeout(WAIT_MS)
        faults = []
        opened.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        yield opened
        browser.close()
        assert not faults, "the page reported errors"


def is_fault(message: ConsoleMessage) -> bool:
    """Errors of the page itself. That the browser notes a refused order is no fault: the page explains it."""
    return message.type == "error" and "status of 422" not in message.text


def show(page: Page, panel: str) -> None:
    """On a phone the panels are tabs; on a desktop they all stand there."""
    tab = page.get_by_test_id(f"tab-{panel}")
    if page.viewport_size["width"] == PHONE[0]:
        tab.click()


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    page.goto(url)
    page.get_by_test_id("sign-in").first.click()
    page.locator("#username").fill(email)
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/market"), timeout=WAIT_MS)


def place(page: Page, side: str, kind: str, quantity: str, price: str = "") -> None:
    show(page, "trade")
    page.get_by_test_id(f"side-{side}").click()
    page.get_by_test_id(f"type-{kind}").click()
    if price:
        page.get_by_test_id("price").fill(price)
    page.get_by_test_id("quantity").fill(quantity)
    page.get_by_test_id("place-order").click()
    expect(page.get_by_test_id("ticket-placed")).to_be_visible(timeout=WAIT_MS)


def test_a_person_trades(page, running, pictures, request):
    email = "trader@example.com"
    sign_in(page, running.url, email, running.passwords[email])
    page.goto(f"{running.url}/market/AAPL")

    show(page, "book")
    expect(page.get_by_test_id("bid-level").first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_test_id("ask-level").first).to_be_visible()
    show(page, "chart")
    expect(page.get_by_test_id("trade").first).to_be_visible(timeout=WAIT_MS)

    # An order far below the market rests, is changed, and is canceled.
    rests, fills = QUANTITIES[request.node.callspec.id]
    place(page, "buy", "limit", rests, "150.25")
    show(page, "orders")
    resting = page.get_by_test_id("open-order").filter(has_text="150.25")
    expect(resting).to_have_count(1, timeout=WAIT_MS)
    resting.get_by_test_id("edit-order").click()
    page.get_by_test_id("edit-price").fill("151.75")
    page.get_by_test_id("edit-quantity").fill(f"{rests}0")
    page.get_by_test_id("edit-save").click()
    resting = page.get_by_test_id("open-order").filter(has_text="151.75")
    expect(resting).to_contain_text(re.compile(rf"0\s*/\s*{rests}0"), timeout=WAIT_MS)
    expect(page.get_by_test_id("order-edit")).to_have_count(0)
    resting.get_by_test_id("cancel-order").click()
    expect(resting).to_have_count(0, timeout=WAIT_MS)

    # A market order fills, and the history tells both.
    place(page, "buy", "market", fills)
    expect(page.get_by_text(re.compile(rf"^\s*Bought {fills} AAPL at [\d.]+\s*$"))).to_be_visible(timeout=WAIT_MS)
    show(page, "orders")
    page.get_by_test_id("orders-history").click()
    told = page.get_by_test_id("history-order")
    filled = told.filter(has=page.get_by_text(re.compile(rf"^\s*{fills}\s*/\s*{fills}(?!\d)")))
    expect(filled).to_have_count(1, timeout=WAIT_MS)
    expect(filled).to_contain_text(re.compile("executed|filled", re.IGNORECASE), timeout=WAIT_MS)
    canceled = told.filter(has=page.get_by_text(re.compile(rf"^\s*0\s*/\s*{rests}0(?!\d)")))
    expect(canceled).to_have_count(1)
    expect(canceled).to_contain_text(re.compile("cancel", re.IGNORECASE))
    page.screenshot(path=str(pictures / f"terminal-{request.node.callspec.id}.png"))


def test_an_order_that_cannot_be_is_explained(page, running):
    email = "trader@example.com"
    sign_in(page, running.url, email, running.passwords[email])
    page.goto(f"{running.url}/market/AAPL")
    show(page, "trade")
    page.get_by_test_id("side-buy").click()
    page.get_by_test_id("type-limit").click()
    page.get_by_test_id("price").fill("180")
    page.get_by_test_id("quantity").fill("90000")
    page.get_by_test_id("place-order").click()
    problem = page.get_by_test_id("ticket-problem").or_(page.get_by_test_id("quantity-fault"))
    expect(problem.first).to_be_visible(timeout=WAIT_MS)


@pytest.mark.parametrize("page", [SMALL], ids=["small"], indirect=True)
def test_a_small_screen_shows_everything(page, running):
    email = "trader@example.com"
    sign_in(page, running.url, email, running.passwords[email])
    page.goto(f"{running.url}/market/BTC-USD")
    last, change = page.get_by_test_id("last-price"), page.get_by_test_id("day-change")
    expect(change).to_be_visible(timeout=WAIT_MS)
    assert abs(middle(last) - middle(change)) < last.bounding_box()["height"] / 2, "the change of the day wraps"
    menu = page.get_by_test_id("user-menu").bounding_box()
    assert menu["x"] + menu["width"] <= SMALL[0], menu
    for tab in ("chart", "book", "trade", "orders", "account"):
        page.get_by_test_id(f"tab-{tab}").click()
        assert page.evaluate("document.documentElement.scrollWidth") == SMALL[0], tab
    page.goto(f"{running.url}/profile")
    expect(page.get_by_test_id("profile")).to_be_visible(timeout=WAIT_MS)
    assert page.evaluate("document.documentElement.scrollWidth") == SMALL[0]


def middle(locator: Locator) -> float:
    box = locator.bounding_box()
    return box["y"] + box["height"] / 2
