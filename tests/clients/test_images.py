"""Images reach the model as they are, or are refused with the field that holds them."""

import openai
import pytest

from pictures import (
    WEBP,
    boastful_png,
    data_uri,
    gif,
    heavy_png,
    jpeg,
    part,
    png,
)
from support import MODEL, report, script, sim, think, user

GOOD = {
    "png": (png(), "image/png"),
    "large png": (png(3000, 2000), "image/png"),
    "jpeg": (jpeg(), "image/jpeg"),
    "webp": (WEBP, "image/webp"),
    "still gif": (gif(), "image/gif"),
    "png called jpeg": (png(), "image/jpeg"),
}
BAD = {
    "cut off png": (png(200, 200)[:-30], "image/png"),
    "png with a wrong checksum": (png()[:40] + b"\0\0\0\0" + png()[44:], "image/png"),
    "png header alone": (png()[:20], "image/png"),
    "cut off jpeg": (jpeg()[:-4], "image/jpeg"),
    "animated gif": (gif(frames=2), "image/gif"),
    "bitmap": (b"BM" + bytes(60), "image/bmp"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    "text": (b"not an image", "image/png"),
    "more pixels than allowed": (png(10_000, 10_000), "image/png"),
    "a claim of a billion pixels": (boastful_png(60_000, 60_000), "image/png"),
}
BAD_URLS = {
    "address": "https://example.com/cat.png",
    "file": "file:///etc/passwd",
    "no base64": "data:image/png,abc",
    "broken base64": "data:image/png;base64,!!!!",
    "empty": "data:image/png;base64,",
    "nothing": "",
}


def named(cases):
    return [pytest.param(*value, id=name.replace(" ", "-")) for name, value in cases.items()]


def look(*parts):
    """A question about pictures, answered with what the backend saw."""
    return [user([{"type": "text", "text": sim("report")}, *parts])]


@pytest.mark.parametrize(("data", "media_type"), named(GOOD))
def test_an_image_reaches_the_model(ask, data, media_type):
    assert report(ask(look(part(data, media_type))))["images"] == [len(data)]


def test_several_images_keep_their_order(ask):
    images = [png(8, 8), jpeg(), png(64, 64), gif()]
    assert len({len(image) for image in images}) == 4
    assert report(ask(look(*map(part, images))))["images"] == [len(image) for image in images]


def test_an_image_before_the_text_and_without_any(ask):
    image = png()
    messages = [user([part(image), {"type": "text", "text": sim("report")}])]
    assert report(ask(messages))["images"] == [len(image)]
    messages = [user([part(image)]), user(sim("report"))]
    assert report(ask(messages))["images"] == [len(image)]


def test_an_image_of_an_earlier_turn_reaches_the_model(ask):
    image = png(32, 32)
    messages = [
        user([{"type": "text", "text": "Look."}, part(image)]),
        {"role": "assistant", "content": "I see."},
        user(sim("report")),
    ]
    assert report(ask(messages))["images"] == [len(image)]


def test_a_large_image(ask):
    image = heavy_png(5_000_000)
    assert report(ask(look(part(image))))["images"] == [len(image)]


def test_the_detail_of_an_image_is_accepted(ask):
    image = part(png())
    image["image_url"]["detail"] = "high"
    assert report(ask(look(image)))["images"] == [len(png())]


def test_an_image_with_reasoning(ask):
    text = script(think("I look"), sim("report"))
    messages = [user([{"type": "text", "text": text}, part(png())])]
    reply = ask(messages, model="claude-4.5-sonnet-thinking")
    assert report(reply)["images"] == [len(png())]
    assert reply.reasoning == "I look"


@pytest.mark.parametrize(("data", "media_type"), named(BAD))
def test_a_bad_image_is_refused(ask, data, media_type):
    refused(ask, part(data, media_type))


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_a_bad_address_is_refused(ask, url):
    refused(ask, {"type": "image_url", "image_url": {"url": url}})


def refused(ask, image):
    with pytest.raises(openai.APIStatusError) as caught:
        ask(look(image))
    error = caught.value
    assert error.status_code in (400, 413), error
    assert error.param == "messages[0].content[1].image_url.url"
    assert error.message


def test_too_large_an_image_is_refused(client):
    # Within the limit of bodies, but beyond that of images.
    image = part(heavy_png(21 << 20))
    refused(lambda messages: client.chat.completions.create(model=MODEL, messages=messages), image)


def test_too_many_images_are_refused(ask):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(look(*[part(png())] * 51))
    assert caught.value.param.startswith("messages[0].content[51]")


def test_the_second_bad_image_is_named(ask):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(look(part(png()), part(b"nonsense")))
    assert caught.value.param == "messages[0].content[2].image_url.url"


def test_a_model_without_eyes_refuses_images(client, ask):
    blind = [model.id for model in client.models.list() if not model.supports_images]
    assert blind
    assert ask(sim("report"), model=blind[0]).text
    with pytest.raises(openai.BadRequestError) as caught:
        ask(look(part(png())), model=blind[0])
    assert blind[0] in caught.value.message


def test_images_do_not_belong_into_system_text(ask):
    messages = [{"role": "system", "content": [part(png())]}, user("hi")]
    with pytest.raises(openai.BadRequestError) as caught:
        ask(messages, model=MODEL)
    assert caught.value.param.startswith("messages[0].content[0]")


def test_a_data_uri_with_parameters_and_line_breaks(ask):
    image = png()
    url = data_uri(image).replace("image/png;", "image/png;charset=utf-8;")
    broken = url[:60] + "\r\n" + url[60:]
    messages = look({"type": "image_url", "image_url": {"url": broken}})
    assert report(ask(messages))["images"] == [len(image)]
