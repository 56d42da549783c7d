// Errors of every kind are the exception classes of the official SDK for Node.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  APIError,
  MODEL,
  OpenAI,
  attempt,
  quoted,
  rejection,
  say,
  servers,
  sim,
  user,
  ways,
} from './support.mjs';

// Directive code: the HTTP statuses that say it before any output.
const EXPECTED = {
  rate_limit: [429],
  usage_limit: [402, 403, 429],
  overloaded: [503],
  unavailable: [503],
  internal: [500, 502],
  deadline: [408, 500, 502, 503, 504],
  unauthenticated: [401, 403, 500, 502, 503, 504],
  permission_denied: [401, 403],
  invalid_argument: [400],
  context_length: [400, 413],
  not_found: [400, 404],
};
const CLASSES = {
  400: OpenAI.BadRequestError,
  401: OpenAI.AuthenticationError,
  403: OpenAI.PermissionDeniedError,
  404: OpenAI.NotFoundError,
  422: OpenAI.UnprocessableEntityError,
  429: OpenAI.RateLimitError,
};
const FAULTS = ['noend', 'drop', 'cut'];

function classFor(status) {
  return CLASSES[status] ?? (status >= 500 ? OpenAI.InternalServerError : APIError);
}

function checkStatus(error, statuses) {
  assert.ok(statuses.includes(error.status), `${error.status} ${error.message}`);
  assert.equal(error.constructor, classFor(error.status));
  assert.ok(error.error.message && error.error.type, JSON.stringify(error.error));
  assert.ok(error.requestID);
}

for (const server of servers) {
  const { openai } = server;
  describe(`${server.flow} errors`, { concurrency: 1 }, () => {
    for (const [code, statuses] of Object.entries(EXPECTED)) {
      it(`${code} before output`, async () => {
        const prompt = sim('error', code, quoted('boom'));
        for (const ask of Object.values(ways)) {
          checkStatus(await rejection(ask(openai, prompt)), statuses);
        }
      });

      it(`${code} in mid-stream`, async () => {
        const prompt = `${say('half an ans')} ${sim('error', code, quoted('boom'))}`;
        const reply = await attempt(openai, prompt);
        assert.deepEqual([reply.text, reply.finish], ['half an ans', []]);
        assert.equal(reply.error?.constructor, APIError);
        assert.equal(reply.error.status, undefined);
        assert.ok(reply.error.error.message);
        checkStatus(await rejection(ways.whole(openai, prompt)), statuses);
      });
    }

    for (const fault of FAULTS) {
      it(`an upstream that ends with ${fault}`, async () => {
        const half = `${say('half an ans')} ${sim(fault)}`;
        const reply = await attempt(openai, half);
        assert.deepEqual([reply.text, reply.finish], ['half an ans', []]);
        assert.equal(reply.error?.constructor, APIError);
        checkStatus(await rejection(ways.whole(openai, half)), [500, 502, 503]);
        for (const ask of Object.values(ways)) {
          checkStatus(await rejection(ask(openai, sim(fault))), [500, 502, 503]);
        }
      });
    }

    it('an empty answer', async () => {
      for (const ask of Object.values(ways)) {
        checkStatus(await rejection(ask(openai, sim('empty'))), [500, 502, 503]);
      }
    });

    it('passes the pause on', async () => {
      for (const prompt of [sim('error', 'rate_limit', 'retry=7'), sim('http', 429, 'retry=7')]) {
        const error = await rejection(ways.streamed(openai, prompt));
        assert.ok(error instanceof OpenAI.RateLimitError);
        assert.equal(error.headers.get('retry-after'), '7');
      }
    });

    it('a wrong key', async () => {
      const stranger = server.client({ apiKey: 'sk-wrong' });
      for (const ask of Object.values(ways)) {
        const error = await rejection(ask(stranger, 'hello'));
        checkStatus(error, [401]);
        assert.equal(error.code, 'invalid_api_key');
      }
      checkStatus(await rejection(stranger.models.retrieve(MODEL)), [401]);
    });

    it('a model that does not exist', async () => {
      checkStatus(await rejection(openai.models.retrieve('no-such-model-xyz')), [404]);
      const unknown = { model: 'no-such-model-xyz' };
      checkStatus(await rejection(ways.whole(openai, 'hi', unknown)), [404]);
    });

    it('a wrong field', async () => {
      const error = await rejection(ways.whole(openai, [user('hi'), user(5)]));
      checkStatus(error, [400]);
      assert.equal(error.param, 'messages[1].content');
    });

    it('an image that is none', async () => {
      const image_url = { url: 'data:image/png;base64,AAAA' };
      const error = await rejection(ways.whole(openai, [user([{ type: 'image_url', image_url }])]));
      checkStatus(error, [400]);
      assert.equal(error.param, 'messages[0].content[0].image_url.url');
    });

    it('a body over the limit', async () => {
      const error = await rejection(ways.whole(openai, 'x'.repeat(40_000_000)));
      assert.equal(error.status, 413);
    });

    it('serves on after all that', async () => {
      assert.equal((await ways.streamed(openai, say('still here'))).text, 'still here');
    });
  });
}
