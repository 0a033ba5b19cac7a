"""The page of the browser agent: one layout behind picture, text and clicks."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from promptetheus.demo.booking_site import HEIGHT, WIDTH, ZONE_WARNING, BookingSite, SlotTaken
from promptetheus.demo.pages import AMBER, draw

TUESDAY_2PM = "#slot-tue-2pm"


def at_the_calendar(site: BookingSite) -> BookingSite:
    site.enter_patient("Mina Okafor")
    site.click(*site.find("#choose-time").box.middle)
    return site


def picture(site: BookingSite) -> Image.Image:
    return Image.open(io.BytesIO(draw(site.elements())))


def test_a_click_hits_what_is_drawn_at_that_point() -> None:
    site = at_the_calendar(BookingSite())
    for element in site.elements():
        if element.selector and not element.off:
            assert site.at(*element.box.middle) == element.selector


def test_the_same_point_is_another_day_once_the_zone_has_jumped() -> None:
    site = at_the_calendar(BookingSite(zone_jumps=True))
    point = site.find(TUESDAY_2PM).box.middle
    assert site.at(*point) == TUESDAY_2PM
    site.click(*site.find("#dentist-osei").box.middle)
    assert site.at(*point) == "#slot-wed-2pm"
    assert site.warnings == [ZONE_WARNING]
    assert ZONE_WARNING in site.visible_text()


def test_switching_back_to_the_old_zone_undoes_the_jump() -> None:
    site = at_the_calendar(BookingSite(zone_jumps=True))
    point = site.find(TUESDAY_2PM).box.middle
    site.click(*site.find("#dentist-osei").box.middle)
    site.click(*site.find("#use-pacific").box.middle)
    assert site.at(*point) == TUESDAY_2PM
    assert site.warnings == []


def test_what_is_greyed_out_cannot_be_clicked() -> None:
    site = at_the_calendar(BookingSite())
    assert site.at(*site.find("#confirm").box.middle) == ""
    assert site.at(*site.find("#slot-tue-11am").box.middle) == ""


def test_a_click_into_the_void_does_nothing() -> None:
    site = BookingSite()
    before = site.elements()
    site.click(1279, 799)
    assert site.elements() == before


def test_booking_says_what_was_chosen_in_text_and_values() -> None:
    site = at_the_calendar(BookingSite())
    site.click(*site.find(TUESDAY_2PM).box.middle)
    site.click(*site.find("#confirm").box.middle)
    assert site.url.endswith("/booked")
    assert "Tuesday 13 at 2pm" in site.visible_text()
    assert site.selected_values() == {
        "patient": "Mina Okafor", "day": "Tuesday", "time": "2pm", "timezone": "Pacific",
    }  # fmt: skip


def test_a_slot_can_vanish_before_it_is_confirmed() -> None:
    site = at_the_calendar(BookingSite(slot_vanishes=True))
    site.click(*site.find(TUESDAY_2PM).box.middle)
    with pytest.raises(SlotTaken, match="409 Conflict: Tuesday 2pm"):
        site.click(*site.find("#confirm").box.middle)


def test_every_element_lies_on_the_page() -> None:
    site = at_the_calendar(BookingSite(zone_jumps=True))
    site.click(*site.find("#dentist-osei").box.middle)
    site.click(*site.find("#slot-wed-2pm").box.middle)
    stages = [BookingSite().elements(), site.elements()]
    site.click(*site.find("#confirm").box.middle)
    for element in (element for stage in [*stages, site.elements()] for element in stage):
        assert element.box.x >= 0 and element.box.x + element.box.width <= WIDTH
        assert element.box.y >= 0 and element.box.y + element.box.height <= HEIGHT


def test_the_picture_is_a_png_of_the_size_of_a_browser_window() -> None:
    image = picture(BookingSite())
    assert (image.format, image.size) == ("PNG", (WIDTH, HEIGHT))


def test_the_warning_is_in_the_picture_only_when_it_is_in_the_text() -> None:
    site = at_the_calendar(BookingSite(zone_jumps=True))
    amber = tuple(bytes.fromhex(AMBER[1:]))
    assert picture(site).getpixel((800, 150)) != amber
    site.click(*site.find("#dentist-osei").box.middle)
    assert picture(site).getpixel((800, 150)) == amber


def test_the_same_page_gives_the_same_bytes_and_another_page_others() -> None:
    site = at_the_calendar(BookingSite())
    first = draw(site.elements())
    assert draw(site.elements()) == first
    site.click(*site.find(TUESDAY_2PM).box.middle)
    assert draw(site.elements()) != first
