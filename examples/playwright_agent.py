"""A browser agent on Playwright, recorded by PlaywrightAdapter. It books on a page of its own and needs no network.

pip install 'promptetheus[playwright]' && playwright install chromium
python examples/playwright_agent.py "Book a visit for Mina."

Uses the browser of the system where there is one (CHROMIUM=/usr/bin/chromium names another).
"""

import os
import shutil
import sys

from playwright.sync_api import sync_playwright

import promptetheus as pt
from promptetheus.adapters import PlaywrightAdapter

PAGE = """<title>Booking</title>
<label>Patient <input name="patient"></label>
<label>Day <select name="day"><option>Monday<option>Tuesday</select></label>
<button onclick="document.getElementById('said').textContent = 'Booked.'">Book</button>
<p role="alert" id="said"></p>"""


def main(goal: str) -> None:
    browser_of_system = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with pt.start(agent="playwright-example", user_goal=goal) as session, sync_playwright() as playwright:
        session.user_message(goal)
        browser = playwright.chromium.launch(
            executable_path=browser_of_system,
            chromium_sandbox=os.getuid() != 0,  # which root cannot have
        )
        with PlaywrightAdapter(browser.new_page()) as page:
            page.set_content(PAGE)
            page.get_by_label("Patient").fill("Mina Okafor")
            page.get_by_label("Day").select_option("Tuesday")
            page.get_by_role("button", name="Book").click()
            page.snapshot()
            page.screenshot()
            print(page.get_by_role("alert").inner_text())
        session.goal_check(passed=True)
        browser.close()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "Book a visit for Mina.")
