// A client that leaves takes its upstream call with it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  APIConnectionTimeoutError,
  APIUserAbortError,
  MODEL,
  eventually,
  freshTag,
  rejection,
  say,
  servers,
  sim,
  user,
} from './support.mjs';

const ENDLESS = `${sim('delay', '20ms')} ${sim('chunks', 3000)}`;
const GONE = { cancelled: 1, active: 0 };
const WAITS = {
  'before the headers of the upstream': sim('silent'),
  'before the first message': sim('hang'),
  'before the first piece': `${sim('wait', '20s')} ${say('late')}`,
};

for (const server of servers) {
  const { openai } = server;
  const request = (tag, then, stream) => ({
    model: MODEL,
    messages: [user(`${sim('tag', tag)} ${then}`)],
    stream,
  });

  describe(`${server.flow} cancel`, { concurrency: 1 }, () => {
    it('by leaving the loop', async () => {
      const tag = freshTag();
      const stream = await openai.chat.completions.create(request(tag, ENDLESS, true));
      let seen = 0;
      for await (const _ of stream) {
        seen += 1;
        if (seen === 5) break;
      }
      const counters = await eventually(server, tag, GONE);
      assert.ok(counters.chunks < 300);
    });

    it('by the controller of the stream', async () => {
      const tag = freshTag();
      const stream = await openai.chat.completions.create(request(tag, ENDLESS, true));
      let seen = 0;
      for await (const _ of stream) {
        seen += 1;
        if (seen === 5) stream.controller.abort();
      }
      assert.ok(seen < 300);
      await eventually(server, tag, GONE);
    });

    for (const [when, wait] of Object.entries(WAITS)) {
      for (const stream of [false, true]) {
        it(`by a signal, ${when}, ${stream ? 'streamed' : 'whole'}`, async () => {
          const tag = freshTag();
          const controller = new AbortController();
          const { signal } = controller;
          const asked = rejection(
            openai.chat.completions.create(request(tag, wait, stream), { signal }),
          );
          await eventually(server, tag, { started: 1, active: 1 }, 5000);
          controller.abort();
          assert.ok((await asked) instanceof APIUserAbortError);
          await eventually(server, tag, GONE);
        });
      }
    }

    it('by a signal, during a whole answer', async () => {
      const tag = freshTag();
      const controller = new AbortController();
      const { signal } = controller;
      const asked = rejection(
        openai.chat.completions.create(request(tag, ENDLESS, false), { signal }),
      );
      await eventually(server, tag, { started: 1, active: 1 }, 5000);
      controller.abort();
      assert.ok((await asked) instanceof APIUserAbortError);
      const counters = await eventually(server, tag, GONE);
      assert.ok(counters.chunks < 300);
    });

    it('by the timeout of the SDK', async () => {
      const tag = freshTag();
      const slow = `${sim('wait', '20s')} ${say('late')}`;
      const hasty = server.client({ timeout: 500 });
      const error = await rejection(hasty.chat.completions.create(request(tag, slow, true)));
      assert.ok(error instanceof APIConnectionTimeoutError);
      await eventually(server, tag, GONE);
    });

    it('is not what happens to an answer that is read to its end', async () => {
      const tag = freshTag();
      const stream = await openai.chat.completions.create(request(tag, sim('chunks', 20), true));
      for await (const _ of stream);
      const counters = await eventually(server, tag, { completed: 1 });
      assert.equal(counters.cancelled, 0);
    });
  });
}
