// The official Anthropic SDK for Node.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { png } from './png.mjs';
import {
  Anthropic,
  MODEL,
  NEXT,
  THINKING_MODEL,
  call,
  load,
  numbered,
  rejection,
  say,
  script,
  servers,
  sim,
  think,
  user,
  z,
} from './support.mjs';

const { betaZodTool } = load('@anthropic-ai/sdk/helpers/beta/zod');
const { zodOutputFormat } = load('@anthropic-ai/sdk/helpers/zod');

const THINKING = { model: THINKING_MODEL, thinking: { type: 'enabled', budget_tokens: 2048 } };
const WEATHER = {
  name: 'get_weather',
  description: 'The weather of a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } } },
};
const City = z.object({ name: z.string(), people: z.number() });
const OSLO = { name: 'Oslo', people: 700000 };

const request = (messages, fields) => ({
  model: MODEL,
  max_tokens: 4096,
  messages: typeof messages === 'string' ? [user(messages)] : messages,
  ...fields,
});
const ways = {
  whole: (client, messages, fields) => client.messages.create(request(messages, fields)),
  streamed: (client, messages, fields) =>
    client.messages.stream(request(messages, fields)).finalMessage(),
};
const textOf = (message) =>
  message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
const callsOf = (message) => message.content.filter((block) => block.type === 'tool_use');
const assistant = ({ content }) => ({ role: 'assistant', content });
const result = (block, content, more) => ({
  type: 'tool_result',
  tool_use_id: block.id,
  content,
  ...more,
});

for (const server of servers) {
  const client = server.anthropic;
  for (const [way, ask] of Object.entries(ways)) {
    describe(`${server.flow} anthropic ${way}`, { concurrency: 1 }, () => {
      it('answers with text', async () => {
        const message = await ask(client, 'hello there');
        assert.equal(textOf(message), 'echo: hello there');
        assert.deepEqual([message.stop_reason, message.role], ['end_turn', 'assistant']);
        assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
      });

      it('sends thinking round with its signature', async () => {
        const messages = [user(script(think('so [[mem K=deep]]'), say('hm')))];
        const first = await ask(client, messages, THINKING);
        assert.deepEqual(first.content.map((block) => block.type), ['thinking', 'text']);
        assert.ok(first.content[0].signature);
        messages.push(assistant(first), user(sim('recall', 'K')));
        assert.equal(textOf(await ask(client, messages, THINKING)), 'deep');
      });

      it('runs parallel tools in rounds', async () => {
        const fields = { tools: [WEATHER] };
        const round = (...cities) => [...cities.map((city) => call('get_weather', { city })), NEXT];
        const first = script(say('Both. '), ...round('Oslo', 'Bergen'), ...round('Bodø'));
        const messages = [user(script(first, say('done')))];
        const cities = [];
        for (;;) {
          const message = await ask(client, messages, fields);
          if (message.stop_reason !== 'tool_use') {
            assert.equal(textOf(message), 'done');
            break;
          }
          cities.push(callsOf(message).map((block) => block.input.city));
          const results = callsOf(message).map((block) => result(block, 'rain'));
          messages.push(assistant(message), user(results.reverse()));
        }
        assert.deepEqual(cities, [['Oslo', 'Bergen'], ['Bodø']]);
      });

      it('takes errors and pictures of tools', async () => {
        const fields = { tools: [WEATHER] };
        const two = script(call('get_weather', { city: 'a' }), call('get_weather', { city: 'b' }));
        const messages = [user(two)];
        const message = await ask(client, messages, fields);
        const [one, other] = callsOf(message);
        const data = png(16, 16).toString('base64');
        const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } };
        const results = [
          result(one, 'it sank', { is_error: true }),
          result(other, [{ type: 'text', text: 'look' }, image]),
        ];
        messages.push(assistant(message), user(results));
        const answer = textOf(await ask(client, messages, fields));
        assert.ok(answer.includes('it sank') && answer.includes('tool result: look'), answer);
      });

      it('keeps a long answer', async () => {
        assert.equal(textOf(await ask(client, sim('chunks', 1000))), numbered(1000));
      });

      it('ends at a stop sequence', async () => {
        const message = await ask(client, say('abc END xyz'), { stop_sequences: ['END'] });
        assert.deepEqual(
          [textOf(message), message.stop_reason, message.stop_sequence],
          ['abc ', 'stop_sequence', 'END'],
        );
      });

      it('has an exception for every kind of error', async () => {
        const kinds = {
          rate_limit: Anthropic.RateLimitError,
          invalid_argument: Anthropic.BadRequestError,
          context_length: Anthropic.BadRequestError,
          internal: Anthropic.InternalServerError,
        };
        for (const [code, kind] of Object.entries(kinds)) {
          const error = await rejection(ask(client, sim('error', code)));
          assert.ok(error instanceof kind, `${code}: ${error}`);
          assert.ok(error.requestID);
          assert.equal(error.error.type, 'error');
        }
        const long = await rejection(ask(client, sim('error', 'context_length')));
        assert.match(long.error.error.message, /^prompt is too long/);
        const stranger = server.claude({ apiKey: 'sk-wrong' });
        const error = await rejection(ask(stranger, 'hello'));
        assert.ok(error instanceof Anthropic.AuthenticationError);
      });
    });
  }

  describe(`${server.flow} anthropic helpers`, { concurrency: 1 }, () => {
    it('a stream that breaks does not look finished', async () => {
      const prompt = script(say('half an ans'), sim('error', 'internal'));
      const stream = client.messages.stream(request(prompt));
      let text = '';
      stream.on('text', (piece) => {
        text += piece;
      });
      const error = await rejection(stream.finalMessage());
      assert.ok(error instanceof Anthropic.APIError, String(error));
      assert.equal(text, 'half an ans');
    });

    it('the tool runner', async () => {
      const asked = [];
      const tool = betaZodTool({
        name: 'get_weather',
        description: 'The weather of a city.',
        inputSchema: z.object({ city: z.string() }),
        run: ({ city }) => {
          asked.push(city);
          if (city === 'Atlantis') throw new Error('it sank');
          return `rain in ${city} [[mem ${city}=wet]]`;
        },
      });
      const steps = ['Oslo', 'Atlantis', 'Bodø'].map((city) => call('get_weather', { city }));
      const prompt = script(...steps.flatMap((step) => [step, NEXT]), sim('recall', 'Oslo'));
      for (const stream of [false, true]) {
        const runner = client.beta.messages.toolRunner({ ...request(prompt), tools: [tool], stream });
        assert.equal(textOf(await runner.runUntilDone()), 'wet');
      }
      assert.deepEqual(asked, ['Oslo', 'Atlantis', 'Bodø', 'Oslo', 'Atlantis', 'Bodø']);
    });

    it('parses an answer', async () => {
      const fields = { output_config: { format: zodOutputFormat(City) } };
      const message = await client.messages.parse(request(say(JSON.stringify(OSLO)), fields));
      assert.deepEqual(message.parsed_output, OSLO);
    });

    it('counts tokens', async () => {
      const count = async (text) =>
        (await client.messages.countTokens({ model: MODEL, messages: [user(text)] })).input_tokens;
      const [little, much] = [await count('hello'), await count('hello '.repeat(500))];
      assert.ok(little > 0 && much > little + 200, `${little} ${much}`);
    });

    it('lists models in pages', async () => {
      const ids = [];
      for await (const model of client.models.list({ limit: 4 })) ids.push(model.id);
      assert.ok(ids.includes(MODEL) && ids.includes(THINKING_MODEL));
      assert.equal(new Set(ids).size, ids.length);
      const model = await client.models.retrieve(MODEL);
      assert.deepEqual([model.id, model.type], [MODEL, 'model']);
      const error = await rejection(client.models.retrieve('no-such-model-xyz'));
      assert.ok(error instanceof Anthropic.NotFoundError);
    });
  });
}
