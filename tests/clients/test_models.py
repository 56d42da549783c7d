"""The model list, from the backend's own."""

import time

import openai
import pytest

from support import MODEL, PLAIN_MODEL, THINKING_MODEL, error_of, sim, user

MISSING = "no-such-model-xyz"


def test_the_list_has_the_models_of_the_backend(client):
    models = {model.id: model for model in client.models.list()}
    assert {"default", MODEL, PLAIN_MODEL, THINKING_MODEL} <= set(models)
    assert len(models) > 10
    for model in models.values():
        assert model.object == "model"
        assert 0 < model.created <= time.time() + 1
        assert model.owned_by


def test_entries_say_what_a_model_can_do(client):
    models = {model.id: model for model in client.models.list()}
    for model in models.values():
        extra = model.model_extra
        assert extra["display_name"] and extra["type"] == "model"
        for name in ("thinking", "images", "max_mode", "non_max_mode"):
            assert isinstance(extra[f"supports_{name}"], bool), name
        assert extra["created_at"].startswith("20")
    assert models[THINKING_MODEL].supports_thinking
    assert not models[PLAIN_MODEL].supports_thinking
    assert models[PLAIN_MODEL].supports_images
    assert not models["grok-code-fast-1"].supports_images


def test_the_list_does_not_change_between_calls(client):
    first, second = (client.models.list().model_dump() for _ in range(2))
    assert first == second


def test_the_raw_list(server):
    with server.raw() as raw:
        body = raw.get("/v1/models").json()
    assert body["object"] == "list"
    ids = [model["id"] for model in body["data"]]
    assert len(ids) == len(set(ids))


def test_one_model(client):
    model = client.models.retrieve(PLAIN_MODEL)
    assert (model.id, model.object) == (PLAIN_MODEL, "model")
    listed = next(each for each in client.models.list() if each.id == PLAIN_MODEL)
    assert model.model_dump() == listed.model_dump()


def test_a_model_that_does_not_exist(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve(MISSING)
    assert caught.value.code == "model_not_found"
    assert MISSING in caught.value.message


@pytest.mark.parametrize("name", ["a%20b", "%F0%9F%98%80", "..%2Fetc", "a/b", "x" * 3000])
def test_odd_names_are_not_found_either(server, name):
    with server.raw() as raw:
        answer = raw.get(f"/v1/models/{name}")
    assert answer.status_code == 404
    error_of(answer)


def test_asynchronously(async_client, loop):
    async def ids():
        return [model.id async for model in async_client.models.list()]

    assert MODEL in loop.run_until_complete(ids())
    with pytest.raises(openai.NotFoundError):
        loop.run_until_complete(async_client.models.retrieve(MISSING))


def test_an_answer_by_a_model_that_does_not_exist(ask):
    with pytest.raises(openai.NotFoundError) as caught:
        ask("hello", model=MISSING)
    assert caught.value.message


@pytest.mark.parametrize("model", ["", "   ", None])
def test_an_answer_by_no_model(client, model):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=[user("hi")])
    assert caught.value.param == "model"


def test_every_listed_model_answers(client):
    for model in client.models.list():
        request = {"model": model.id, "messages": [user(sim("report"))]}
        answer = client.chat.completions.create(**request)
        assert '"sim_report"' in answer.choices[0].message.content, model.id
