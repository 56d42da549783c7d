// The Responses API, and tools in Chat Completions, through the official OpenAI SDK for Node.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  MODEL,
  NEXT,
  OpenAI,
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

const { zodFunction, zodResponseFormat, zodTextFormat } = load('openai/helpers/zod');
const City = z.object({ name: z.string(), people: z.number() });
const OSLO = { name: 'Oslo', people: 700000 };
const WEATHER = {
  type: 'function',
  name: 'get_weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  strict: false,
};

const ways = {
  whole: (openai, input, fields) => openai.responses.create({ model: MODEL, input, ...fields }),
  streamed: (openai, input, fields) =>
    openai.responses.stream({ model: MODEL, input, ...fields }).finalResponse(),
};

for (const server of servers) {
  const { openai } = server;
  for (const [way, ask] of Object.entries(ways)) {
    describe(`${server.flow} responses ${way}`, { concurrency: 1 }, () => {
      it('answers with text', async () => {
        const response = await ask(openai, 'hello there');
        assert.deepEqual([response.output_text, response.status], ['echo: hello there', 'completed']);
        assert.ok(response.usage.total_tokens > 0);
      });

      it('gives reasoning', async () => {
        const fields = { model: THINKING_MODEL, reasoning: { summary: 'auto' } };
        const response = await ask(openai, script(think('2 and 2'), say('4')), fields);
        assert.deepEqual(response.output.map((item) => item.type), ['reasoning', 'message']);
        assert.equal(response.output[0].summary.map((part) => part.text).join(''), '2 and 2');
      });

      it('runs tools, told anew or by the id of the response before', async () => {
        const calls = ['Oslo', 'Bergen'].map((city) => call('get_weather', { city }));
        const prompt = script(...calls, NEXT, say('both done'));
        const tools = [WEATHER];
        const first = await ask(openai, [user(prompt)], { tools });
        const made = first.output.filter((item) => item.type === 'function_call');
        const cities = made.map((item) => JSON.parse(item.arguments).city);
        assert.deepEqual(cities, ['Oslo', 'Bergen']);
        const results = made.map((item) => ({
          type: 'function_call_output',
          call_id: item.call_id,
          output: 'rain',
        }));
        const history = [user(prompt), ...first.output, ...results];
        assert.equal((await ask(openai, history, { tools })).output_text, 'both done');
        const fields = { tools, previous_response_id: first.id };
        assert.equal((await ask(openai, results, fields)).output_text, 'both done');
      });

      it('is kept, read, deleted', async () => {
        const first = await ask(openai, 'Remember [[mem K=blue]]');
        const fields = { previous_response_id: first.id };
        assert.equal((await ask(openai, sim('recall', 'K'), fields)).output_text, 'blue');
        const again = await openai.responses.retrieve(first.id);
        assert.deepEqual([again.id, again.output_text], [first.id, first.output_text]);
        await openai.responses.delete(first.id);
        const gone = await rejection(openai.responses.retrieve(first.id));
        assert.ok(gone instanceof OpenAI.NotFoundError);
        const error = await rejection(ask(openai, 'and?', fields));
        assert.equal(error.code, 'previous_response_not_found');
      });

      it('is incomplete when it was cut', async () => {
        const response = await ask(openai, sim('chunks', 300), { max_output_tokens: 16 });
        assert.equal(response.status, 'incomplete');
        assert.equal(response.incomplete_details.reason, 'max_output_tokens');
        assert.ok(numbered(300).startsWith(response.output_text));
      });

      it('has an exception for every kind of error', async () => {
        const kinds = {
          rate_limit: OpenAI.RateLimitError,
          invalid_argument: OpenAI.BadRequestError,
          internal: OpenAI.InternalServerError,
        };
        for (const [code, kind] of Object.entries(kinds)) {
          const error = await rejection(ask(openai, sim('error', code)));
          assert.ok(error instanceof kind, `${code}: ${error}`);
          assert.ok(error.requestID && error.type);
        }
        const stranger = server.client({ apiKey: 'sk-wrong' });
        const error = await rejection(ask(stranger, 'hello'));
        assert.ok(error instanceof OpenAI.AuthenticationError);
      });
    });
  }

  describe(`${server.flow} responses helpers`, { concurrency: 1 }, () => {
    it('parse an answer', async () => {
      const text = { format: zodTextFormat(City, 'city') };
      const input = say(JSON.stringify(OSLO));
      const response = await openai.responses.parse({ model: MODEL, input, text });
      assert.deepEqual(response.output_parsed, OSLO);
    });

    it('show that a response failed', async () => {
      const input = script(say('half an ans'), sim('error', 'internal'));
      const kinds = [];
      let text = '';
      try {
        for await (const event of await openai.responses.create({ model: MODEL, input, stream: true })) {
          kinds.push(event.type);
          if (event.type === 'response.output_text.delta') text += event.delta;
        }
      } catch (error) {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        kinds.push('response.failed');
      }
      assert.equal(text, 'half an ans');
      assert.ok(!kinds.includes('response.completed'));
      assert.equal(kinds.at(-1), 'response.failed');
    });

    it('cancel what runs in the background', async () => {
      const input = script(sim('delay', '20ms'), sim('chunks', 3000));
      const created = await openai.responses.create({ model: MODEL, input, background: true });
      const cancelled = await openai.responses.cancel(created.id);
      assert.equal(cancelled.status, 'cancelled');
    });
  });

  describe(`${server.flow} chat tools`, { concurrency: 1 }, () => {
    it('run in a loop', async () => {
      for (const stream of [false, true]) {
        const asked = [];
        const tool = {
          type: 'function',
          function: {
            name: 'get_weather',
            parameters: WEATHER.parameters,
            parse: JSON.parse,
            function: ({ city }) => {
              asked.push(city);
              return `rain in ${city} [[mem ${city}=wet]]`;
            },
          },
        };
        const calls = ['Oslo', 'Bergen', 'Bodø'].map((city) => call('get_weather', { city }));
        const prompt = script(calls[0], calls[1], NEXT, calls[2], NEXT, sim('recall', 'Bergen'));
        const messages = [user(prompt)];
        const runner = openai.chat.completions.runTools({ model: MODEL, messages, tools: [tool], stream });
        assert.equal(await runner.finalContent(), 'wet');
        assert.deepEqual(asked, ['Oslo', 'Bergen', 'Bodø']);
      }
    });

    it('are parsed', async () => {
      const tools = [zodFunction({ name: 'note', parameters: City })];
      const messages = [user(call('note', OSLO))];
      const answer = await openai.chat.completions.parse({ model: MODEL, messages, tools });
      assert.deepEqual(answer.choices[0].message.tool_calls[0].function.parsed_arguments, OSLO);
    });

    it('give way to structured output', async () => {
      const response_format = zodResponseFormat(City, 'city');
      const messages = [user(say(JSON.stringify(OSLO)))];
      const answer = await openai.chat.completions.parse({ model: MODEL, messages, response_format });
      assert.deepEqual(answer.choices[0].message.parsed, OSLO);
      const stream = openai.chat.completions.stream({ model: MODEL, messages, response_format });
      const streamed = await stream.finalChatCompletion();
      assert.deepEqual(streamed.choices[0].message.parsed, OSLO);
    });
  });
}
