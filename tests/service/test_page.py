"""The page in a real browser, where this machine has one."""

from __future__ import annotations

import re
from contextlib import suppress

import browser
import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install nmt[test]")

TEXT = "Der Hund sieht den Ball."


@pytest.fixture
def opened(chromium, server):
    """The page, ready; whatever it asks elsewhere, or complains of, fails the test."""
    url = f"{server.url}/nmt"
    with browser.watched(chromium, url, console="Content Security") as new_page:

        def open_page(routes=(), **settings):
            page = new_page(**settings)
            for path, handler in routes:
                page.route(f"{url}/{path}", handler)
            page.goto(url)
            page.wait_for_selector("html[data-ready]")
            return page

        yield open_page


def typed(page, text: str) -> None:
    page.select_option("#source", "de")
    page.locator("#text").fill(text)
    page.wait_for_function("t => answer?.q === t && seen?.body.q === t", arg=text)


def washes(page, row: str) -> list[float]:
    """How much the pieces of a row are lit."""
    script = f"[...document.querySelectorAll('#{row} .wash')].map(one => Number(one.style.opacity))"
    return page.evaluate(script)


def test_it_translates_as_one_types(opened, server):
    page = opened()
    page.select_option("#source", "de")
    page.locator("#text").press_sequentially(TEXT, delay=5)
    page.wait_for_function("t => answer?.q === t", arg=TEXT)
    expected = server.ask(q=TEXT, alternatives=3).json()
    assert page.locator("#translation").text_content() == expected["translatedText"]
    assert page.locator("#others button").all_text_contents()[1:] == expected["alternatives"]
    page.locator("#others button").nth(1).click()
    assert page.locator("#translation").text_content() == expected["alternatives"][0]
    page.select_option("#source", "auto")
    sync_api.expect(page.locator("#detected")).to_contain_text("German")
    page.locator("#swap").click()
    assert page.input_value("#source") == "en"
    assert page.input_value("#text") == expected["translatedText"]


def test_the_latest_answer_wins(opened):
    held = []

    def translate(route):
        q = route.request.post_data_json["q"]
        if q == "erst":
            held.append(route)
            return
        route.fulfill(json={"translatedText": f"[{q}]"})

    page = opened([("translate", translate)])
    page.locator("#text").fill("erst")
    page.wait_for_function("() => asked === 1")
    page.locator("#text").fill("dann")
    sync_api.expect(page.locator("#translation")).to_have_text("[dann]")
    for route in held:
        with suppress(sync_api.Error):  # it has been given up already
            route.fulfill(json={"translatedText": "[erst]"})
    page.evaluate("new Promise((done) => setTimeout(done))")
    sync_api.expect(page.locator("#translation")).to_have_text("[dann]")


def test_a_pointer_and_the_keyboard_show_where_it_looked(opened, server):
    page = opened()
    typed(page, TEXT)
    fields = {"q": TEXT, "source": "de", "target": "en"}
    found = server.client.post("/inspect", json=fields).json()
    heads = found["attention"]
    mean = [
        [sum(head[t][s] for head in heads) / len(heads) for s in range(len(heads[0][0]))]
        for t in range(len(heads[0]))
    ]
    assert page.locator("#from .piece").count() == len(mean[0])
    assert page.locator("#to .piece").count() == len(mean)

    page.locator("#to .piece").nth(1).hover()
    assert washes(page, "from") == pytest.approx([min(0.6, 0.7 * w) for w in mean[1]], abs=1e-4)
    assert page.locator("#links path").count() == sum(weight >= 0.03 for weight in mean[1])
    page.locator("#from .piece").nth(2).hover()
    assert washes(page, "to") == pytest.approx([min(0.6, 0.7 * row[2]) for row in mean], abs=1e-4)

    page.locator("#to .piece").nth(0).focus()
    page.keyboard.press("ArrowRight")
    assert washes(page, "from") == pytest.approx([min(0.6, 0.7 * w) for w in mean[1]], abs=1e-4)
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.parentElement.id") == "from"
    best = max(range(len(mean[1])), key=mean[1].__getitem__)
    assert page.evaluate("[...document.activeElement.parentElement.children].indexOf(document.activeElement)") == best
    assert re.search(r"\d+ %", page.evaluate("document.activeElement.ariaLabel"))


def test_a_press_opens_rivals_and_gates(opened):
    page = opened()
    typed(page, TEXT)
    page.locator("#to .piece").nth(0).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#gates figure")
    assert page.locator("#rivals tbody tr").count() >= 2
    assert page.locator("#rivals tr.chosen").count() == 1
    assert "gate" in page.locator("#gates svg").first.get_attribute("aria-label")
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()
    assert page.evaluate("document.activeElement.parentElement.id") == "to"
    page.locator("#from .piece").nth(0).click()
    page.wait_for_selector("#gates figure")
    assert page.locator("#rivals tbody tr").count() == 0


def test_what_goes_wrong_is_said_in_words(opened):
    answers = [
        lambda route: route.fulfill(status=429, headers={"retry-after": "1"}, json={"error": "x"}),
        lambda route: route.abort(),
        lambda route: route.fulfill(json={"translatedText": "at last"}),
    ]
    page = opened([("translate", lambda route: answers.pop(0)(route))])
    page.clock.install()
    page.locator("#text").fill("Hund")
    page.clock.run_for(300)
    status = page.locator("#status")
    sync_api.expect(status).to_contain_text("Too many texts wait")
    page.clock.run_for(1100)
    sync_api.expect(status).to_contain_text("cannot be reached")
    page.clock.run_for(3100)
    sync_api.expect(page.locator("#translation")).to_have_text("at last")
    sync_api.expect(status).to_have_text("")
    page.locator("#text").fill("a" * 50_001)
    page.clock.run_for(300)
    sync_api.expect(status).to_contain_text("too long: it has 50,001 characters, and 50,000 are the most")


def test_it_fits_a_narrow_dark_screen_and_right_to_left(opened):
    languages = [
        {"code": "de", "name": "German", "targets": ["ar", "de"]},
        {"code": "ar", "name": "Arabic", "targets": ["ar"]},
    ]
    narrow = {"width": 320, "height": 640}
    page = opened([("languages", lambda route: route.fulfill(json=languages))], viewport=narrow, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.get_attribute("#to", "dir") == "rtl"
    assert page.get_attribute("#translation", "lang") == "ar"
    page.close()
    page = opened(viewport=narrow, color_scheme="dark", reduced_motion="reduce")
    typed(page, f"{TEXT} Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen und noch mehr.")
    page.locator("#to .piece").nth(0).click()
    page.wait_for_selector("#gates figure")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate("getComputedStyle(document.querySelector('.piece')).transitionDuration") == "0s"


def chosen(page, name: str, content: str) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "", "buffer": content.encode()})


def test_a_file_is_chosen_or_dropped_and_its_translation_is_a_download(opened, server):
    page = opened()
    page.select_option("#source", "de")
    expected = server.ask(q=TEXT).json()["translatedText"]
    with page.expect_download() as waiting:
        chosen(page, "Brief.TXT", TEXT)
    assert waiting.value.suggested_filename == "Brief.en.TXT"
    assert waiting.value.path().read_text() == expected
    assert page.evaluate("document.activeElement.id") == "made"
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")  # once more
    assert waiting.value.path().read_text() == expected
    drop = """text => { const data = new DataTransfer();
        data.items.add(new File([text], "brief.txt"));
        for (const kind of ["dragover", "drop"])
          document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    with page.expect_download() as waiting:
        page.evaluate(drop, TEXT)
    assert waiting.value.suggested_filename == "brief.en.txt"
    assert not page.evaluate("document.body.classList.contains('over')")


def test_what_cannot_be_done_with_a_file_is_said_and_one_can_be_stopped(opened):
    held = []
    page = opened([("translate_file", lambda route: held.append(route) if held else route.continue_())])
    status = page.locator("#file-status")
    chosen(page, "a.pdf", "x")
    sync_api.expect(status).to_contain_text("“a.pdf” cannot be translated here; what can is: .txt,")
    chosen(page, "a.srt", "x")
    sync_api.expect(status).to_have_text("This did not work: the file has no cue: it is no SRT.")
    assert browser.barriers(page) == []
    held.append(None)
    page.locator("#file").focus()
    chosen(page, "a.txt", TEXT)
    sync_api.expect(status).to_contain_text("Translating “a.txt”")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "stop"
    page.keyboard.press("Enter")
    sync_api.expect(status).to_have_text("Stopped.")
    assert page.locator("#stop").is_hidden()
    assert page.evaluate("document.activeElement.id") == "file"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(opened, scheme):
    """Colours have contrast, controls have names, and axe finds no barrier."""
    page = opened(color_scheme=scheme)
    colours = page.evaluate(
        """() => { const style = getComputedStyle(document.documentElement);
        return Object.fromEntries(["paper", "card", "ink", "soft", "accent", "warm"].map(
          (name) => [name, style.getPropertyValue(`--${name}`).trim()])); }"""
    )
    for text in ("ink", "soft", "accent", "warm"):
        for ground in ("paper", "card"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, select, textarea, input")].filter((one) =>
        !(one.ariaLabel || one.textContent.trim() && one.tagName === "BUTTON" || one.labels?.length))
        .map((one) => one.id)"""
    )
    assert unnamed == []
    assert browser.barriers(page) == []
    typed(page, TEXT)
    page.locator("#to .piece").nth(0).click()
    page.wait_for_selector("#gates figure")
    assert browser.barriers(page) == []


def contrast(one: str, other: str) -> float:
    """Of two colours such as #0f6b66, as WCAG 2 has it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_foreign_script_is_not_obeyed(server):
    policy = server.client.get("/").headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)[1]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert nonce not in server.client.get("/").text  # another one each time
