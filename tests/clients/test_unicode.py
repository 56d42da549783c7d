"""Unicode, cut at every place where a careless gateway breaks it."""

import pytest

from support import MODEL, THINKING_MODEL, ask_raw, post, say, script, sim, system_and_user, think

TEXTS = {
    "emoji": "👋🏽 family 👩‍👩‍👧‍👦 flag 🇳🇴 heart ❤️‍🔥 keycap 1️⃣",
    "cjk": "你好,世界。日本語のテキスト、한국어 텍스트。𠮷野家",
    "combining": "e\u0301 n\u0303 a\u0300\u0301\u0302 Å Å ﬁ Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A",
    "right-to-left": "שלום עולם مرحبا بالعالم ‏x‎",
    "indic": "नमस्ते दुनिया தமிழ் ไทย",
    "borders": "\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufffd\uffff\U00010000\U0010ffff",
    "line separators": "a\u2028b\u2029c\u0085d\u000be\u000cf",
    "byte order mark": "\ufeffstart\ufeff",
}
MIXED = " ".join(TEXTS.values())


@pytest.fixture(params=TEXTS, ids=lambda name: name.replace(" ", "-"))
def text(request):
    return TEXTS[request.param]


def test_one_character_a_piece(ask, text):
    assert ask(script(sim("split", 1), say(text))).text == text


def test_frames_cut_into_three_bytes(ask, text):
    assert ask(script(sim("fragment", 3), sim("split", 2), say(text))).text == text


@pytest.mark.parametrize("size", [1, 2, 4, 7])
def test_frames_cut_into_other_sizes(ask, size):
    assert ask(script(sim("fragment", size), say(MIXED))).text == MIXED


def test_prompts_reach_the_model(ask, text):
    # The backend trims what it echoes.
    assert ask(f"<{text}>").text == f"echo: <{text}>"


def test_system_text_reaches_the_model(ask, text):
    messages = system_and_user(f"[[mem SECRET={text}]]", sim("recall", "SECRET"))
    assert ask(messages).text == text


def test_reasoning(ask, text):
    prompt = script(sim("fragment", 3), sim("split", 1), think(text), say("done"))
    reply = ask(prompt, model=THINKING_MODEL)
    assert (reply.reasoning, reply.text) == (text, "done")


def test_escaped_in_the_request(server):
    # As clients in other languages write it: everything beyond ASCII as \\u escapes.
    body = (
        b'{"model":"%s","messages":[{"role":"user","content":"\\u4f60\\u597d \\ud83d\\ude00"}]}'
        % MODEL.encode()
    )
    answer = post(server, body)
    assert answer.json()["choices"][0]["message"]["content"] == "echo: 你好 😀"


def test_unescaped_in_a_whole_answer(server):
    assert ask_raw(server, say(MIXED)) == MIXED


def test_stream_pieces_are_never_broken_characters(ask_streamed):
    reply = ask_streamed(script(sim("fragment", 1), sim("split", 1), say(MIXED)))
    pieces = [chunk.choices[0].delta.content or "" for chunk in reply.chunks if chunk.choices]
    assert "".join(pieces) == MIXED
    # One character of the text is the replacement character itself.
    assert sum("\ufffd" in piece for piece in pieces) == 1
