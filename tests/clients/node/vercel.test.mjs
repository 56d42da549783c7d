// The Vercel AI SDK with its providers: OpenAI on both APIs, OpenAI-compatible, Anthropic.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { png } from './png.mjs';
import {
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
  z,
} from './support.mjs';

const ai = load('ai');
const { createOpenAI } = load('@ai-sdk/openai');
const { createAnthropic } = load('@ai-sdk/anthropic');
const { createOpenAICompatible } = load('@ai-sdk/openai-compatible');

const City = z.object({ name: z.string(), people: z.number() });
const OSLO = { name: 'Oslo', people: 700000 };
const OSLO_TEXT = JSON.stringify(OSLO);

// By name: a model of the provider, and what switches its thinking on.
function providers({ key: apiKey, baseURL }) {
  const openai = createOpenAI({ baseURL, apiKey });
  const anthropic = createAnthropic({ baseURL, apiKey });
  const compatible = createOpenAICompatible({
    name: 'cursor',
    baseURL,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const thinking = { type: 'enabled', budgetTokens: 2048 };
  return {
    'openai-responses': {
      model: (name = MODEL) => openai(name),
      thinking: { openai: { reasoningEffort: 'medium', reasoningSummary: 'auto' } },
    },
    'openai-chat': { model: (name = MODEL) => openai.chat(name) },
    'openai-compatible': { model: (name = MODEL) => compatible(name), thinking: {} },
    anthropic: {
      model: (name = MODEL) => anthropic(name),
      thinking: { anthropic: { thinking } },
    },
  };
}

// Both ways to ask, each giving the same figures.
const ways = {
  async whole(settings) {
    const { text, reasoningText, steps, finishReason, totalUsage } = await ai.generateText({
      maxRetries: 0,
      ...settings,
    });
    return { text, reasoning: reasoningText ?? '', steps, finishReason, usage: totalUsage };
  },

  async streamed(settings) {
    const failures = [];
    const onError = ({ error }) => failures.push(error);
    const result = ai.streamText({ maxRetries: 0, onError, ...settings });
    let text = '';
    try {
      for await (const piece of result.textStream) text += piece;
    } catch (error) {
      failures.push(error);
    }
    if (failures.length) throw Object.assign(failures[0], { before: text });
    const [steps, finishReason] = [await result.steps, await result.finishReason];
    const [last, usage] = [await result.text, await result.totalUsage];
    return { text: last, reasoning: (await result.reasoningText) ?? '', steps, finishReason, usage };
  },
};

function weather(asked) {
  return ai.tool({
    description: 'The weather of a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => {
      asked.push(city);
      if (city === 'Atlantis') throw new Error('it sank');
      return `rain in ${city} [[mem ${city}=wet]]`;
    },
  });
}

const screenshot = ai.tool({
  description: 'Shows the screen.',
  inputSchema: z.object({}),
  execute: () => png(16, 16).toString('base64'),
  toModelOutput: ({ output }) => ({
    type: 'content',
    value: [
      { type: 'text', text: 'the screen [[mem S=seen]]' },
      { type: 'image-data', data: output, mediaType: 'image/png' },
    ],
  }),
});

for (const server of servers) {
  for (const [name, { model, thinking }] of Object.entries(providers(server))) {
    for (const [way, ask] of Object.entries(ways)) {
      describe(`${server.flow} vercel ${name} ${way}`, { concurrency: 1 }, () => {
        const stopWhen = ai.stepCountIs(10);

        it('answers with text', async () => {
          const system = 'Be brief. [[mem S=system]]';
          const prompt = script(say('hello '), sim('recall', 'S'));
          const answer = await ask({ model: model(), system, prompt });
          assert.deepEqual([answer.text, answer.finishReason], ['hello system', 'stop']);
          assert.ok(answer.usage.inputTokens > 0 && answer.usage.outputTokens > 0);
        });

        it('runs tools in rounds', async () => {
          const asked = [];
          const tools = { get_weather: weather(asked) };
          const cities = ['Oslo', 'Bergen', 'Bodø'];
          const steps = cities.flatMap((city) => [call('get_weather', { city }), NEXT]);
          const prompt = script(...steps, sim('recall', 'Bergen'));
          const answer = await ask({ model: model(), tools, prompt, stopWhen });
          assert.deepEqual(asked, cities);
          assert.deepEqual([answer.text, answer.steps.length], ['wet', 4]);
        });

        it('runs tools in parallel, one of which fails', async () => {
          const asked = [];
          const tools = { get_weather: weather(asked) };
          const cities = ['Oslo', 'Atlantis', 'Bodø'];
          const calls = cities.map((city) => call('get_weather', { city }));
          const prompt = script(say('All. '), ...calls);
          const answer = await ask({ model: model(), tools, prompt, stopWhen });
          assert.deepEqual(asked, cities);
          assert.ok(answer.text.includes('tool result: rain in Oslo'), answer.text);
          assert.ok(answer.text.includes('it sank'), answer.text);
          const made = answer.steps[0].toolCalls.map((each) => each.toolCallId);
          assert.equal(new Set(made).size, 3);
        });

        it('takes a picture from a tool', async () => {
          const prompt = script(call('screenshot', {}), NEXT, sim('recall', 'S'));
          const answer = await ask({ model: model(), tools: { screenshot }, prompt, stopWhen });
          assert.equal(answer.text, 'seen');
        });

        it('takes a picture from the user', async () => {
          const image = png(16, 16);
          const content = [
            { type: 'text', text: sim('report') },
            { type: 'image', image },
          ];
          const answer = await ask({ model: model(), messages: [{ role: 'user', content }] });
          assert.deepEqual(JSON.parse(answer.text).sim_report.images, [image.length]);
        });

        it('gives an object', async () => {
          const output = ai.Output.object({ schema: City });
          const result =
            way === 'whole'
              ? await ai.generateText({ model: model(), prompt: say(OSLO_TEXT), output })
              : ai.streamText({ model: model(), prompt: say(OSLO_TEXT), output });
          if (way === 'streamed') await result.consumeStream();
          assert.deepEqual(await result.output, OSLO);
        });

        it('gives an object in the older way', async () => {
          const settings = { model: model(), schema: City, prompt: say(OSLO_TEXT), maxRetries: 0 };
          if (way === 'whole') {
            assert.deepEqual((await ai.generateObject(settings)).object, OSLO);
          } else {
            const result = ai.streamObject(settings);
            for await (const _ of result.partialObjectStream);
            assert.deepEqual(await result.object, OSLO);
          }
        });

        it('keeps a long answer', async () => {
          const answer = await ask({ model: model(), prompt: sim('chunks', 500) });
          assert.equal(answer.text, numbered(500));
        });

        if (thinking) {
          it('sends reasoning round', async () => {
            const asked = [];
            const tools = { get_weather: weather(asked) };
            const first = script(think('so [[mem K=deep]]'), call('get_weather', { city: 'Oslo' }));
            const answer = await ask({
              model: model(THINKING_MODEL),
              providerOptions: thinking,
              prompt: script(first, NEXT, sim('recall', 'K')),
              tools,
              stopWhen,
            });
            assert.equal(answer.steps[0].reasoningText, 'so [[mem K=deep]]');
            assert.equal(answer.text, 'deep');
          });
        }

        it('has the status of an error', async () => {
          const expected = { rate_limit: 429, invalid_argument: 400, context_length: 400 };
          for (const [code, status] of Object.entries(expected)) {
            const prompt = sim('error', code);
            const error = await rejection(ask({ model: model(), prompt }));
            assert.ok(ai.APICallError.isInstance(error), `${code}: ${error}`);
            assert.equal(error.statusCode, status);
            assert.equal(error.isRetryable, status === 429);
          }
        });

        it('does not take a broken answer for a whole one', async () => {
          const prompt = script(say('half an ans'), sim('error', 'internal'));
          const error = await rejection(ask({ model: model(), prompt }));
          assert.ok(error, 'no error');
          if (way === 'streamed') assert.equal(error.before, 'half an ans');
        });
      });
    }
  }
}
