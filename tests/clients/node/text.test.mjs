// Text, reasoning, usage, history and images through the official SDK for Node.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { png } from './png.mjs';
import {
  MODEL,
  THINKING_MODEL,
  numbered,
  report,
  say,
  servers,
  sim,
  think,
  user,
  ways,
} from './support.mjs';

const UNICODE =
  'family 👩‍👩‍👧‍👦 flag 🇳🇴 你好,世界 e\u0301 שלום नमस्ते \u{1f600} a\u2028b\u2029c\u0085d \u{10ffff}';

for (const server of servers) {
  for (const [way, ask] of Object.entries(ways)) {
    describe(`${server.flow} ${way}`, { concurrency: 1 }, () => {
      const { openai } = server;

      it('answers with text', async () => {
        const reply = await ask(openai, 'hello there');
        assert.equal(reply.text, 'echo: hello there');
        assert.deepEqual(reply.finish, ['stop']);
      });

      it('keeps unicode whole when it is cut anywhere', async () => {
        for (const cuts of [sim('split', 1), sim('fragment', 3), sim('fragment', 1)]) {
          assert.equal((await ask(openai, `${cuts} ${say(UNICODE)}`)).text, UNICODE);
        }
        assert.equal((await ask(openai, `<${UNICODE}>`)).text, `echo: <${UNICODE}>`);
      });

      it('keeps a thousand small frames', async () => {
        const burst = `${sim('burst', 1000)} ${sim('chunks', 1000)}`;
        assert.equal((await ask(openai, burst)).text, numbered(1000));
        const compressed = `${sim('gzip')} ${sim('fragment', 3)} ${sim('chunks', 300)}`;
        assert.equal((await ask(openai, compressed)).text, numbered(300));
      });

      it('gives reasoning apart from the text', async () => {
        const prompt = `${think('2 and 2')} ${say('4')}`;
        const reply = await ask(openai, prompt, { model: THINKING_MODEL });
        assert.deepEqual([reply.reasoning, reply.text], ['2 and 2', '4']);
      });

      it('gives the figures of the upstream', async () => {
        const { usage } = await ask(openai, `${sim('usage', 1200, 30)} ${say('counted')}`);
        const { prompt_tokens, completion_tokens, total_tokens } = usage;
        assert.deepEqual([prompt_tokens, completion_tokens, total_tokens], [1200, 30, 1230]);
      });

      it('passes system text and earlier turns on', async () => {
        const messages = [
          { role: 'system', content: 'Be terse. [[mem S=system]]' },
          user('Remember [[mem U=user]]'),
          { role: 'assistant', content: [{ type: 'text', text: 'Yes [[mem A=assistant]]' }] },
          user(['S', 'U', 'A'].map((key) => sim('recall', key)).join(say(' '))),
        ];
        assert.equal((await ask(openai, messages)).text, 'system user assistant');
      });

      it('passes tool results on', async () => {
        const call = { name: 'get_weather', arguments: '{"city":"Oslo"}' };
        const messages = [
          user('Weather?'),
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'call_1', type: 'function', function: call }],
          },
          { role: 'tool', tool_call_id: 'call_1', content: '7 degrees' },
        ];
        assert.equal((await ask(openai, messages)).text, 'tool result: 7 degrees');
      });

      it('passes images on', async () => {
        const image = png(16, 16);
        const url = `data:image/png;base64,${image.toString('base64')}`;
        const parts = [
          { type: 'text', text: sim('report') },
          { type: 'image_url', image_url: { url } },
        ];
        assert.deepEqual(report(await ask(openai, [user(parts)])).images, [image.length]);
      });

      it('takes a prompt of a megabyte', async () => {
        const prompt = sim('report') + '0123456789 世界 😀\n'.repeat(60_000);
        const seen = report(await ask(openai, prompt));
        assert.equal(seen.last_user_chars, [...prompt].length);
      });

      it('ends at the limits of the client', async () => {
        const cut = await ask(openai, sim('chunks', 100), { max_tokens: 5 });
        assert.deepEqual(cut.finish, ['length']);
        assert.ok(numbered(100).startsWith(cut.text) && cut.text);
        const stopped = await ask(openai, `${sim('split', 1)} ${say('abc END xyz')}`, {
          stop: ['END'],
        });
        assert.deepEqual([stopped.text, stopped.finish], ['abc ', ['stop']]);
      });
    });
  }

  describe(`${server.flow} helpers of the SDK`, () => {
    const { openai } = server;

    it('accumulates a stream', async () => {
      const messages = [user(say('hello from afar'))];
      const stream = openai.chat.completions.stream({ model: MODEL, messages });
      const pieces = [];
      stream.on('content', (delta) => pieces.push(delta));
      const completion = await stream.finalChatCompletion();
      assert.equal(completion.choices[0].message.content, 'hello from afar');
      assert.equal(pieces.join(''), 'hello from afar');
    });

    it('lists models', async () => {
      const ids = [];
      for await (const model of openai.models.list()) ids.push(model.id);
      assert.ok(ids.includes(MODEL) && ids.includes(THINKING_MODEL));
      const model = await openai.models.retrieve(MODEL);
      assert.deepEqual([model.id, model.object], [MODEL, 'model']);
    });

    it('shows the first piece before the second is made', async () => {
      const messages = [user(`${say('a')} ${sim('wait', '2s')} ${say('b')}`)];
      const times = [];
      const request = { model: MODEL, messages, stream: true };
      for await (const chunk of await openai.chat.completions.create(request)) {
        if (chunk.choices[0].delta.content) times.push(performance.now());
      }
      assert.equal(times.length, 2);
      assert.ok(times[1] - times[0] > 1500, `${times[1] - times[0]} ms apart`);
    });

    it('keeps sixty streams apart', async () => {
      const one = async (number) => {
        const prompt = `${sim('delay', '5ms')} ${sim('chunks', 20)} ${say(`stream ${number}`)}`;
        const reply = await ways.streamed(openai, prompt);
        assert.equal(reply.text, `${numbered(20)}stream ${number}`);
      };
      await Promise.all(Array.from({ length: 60 }, (_, number) => one(number)));
    });
  });
}
