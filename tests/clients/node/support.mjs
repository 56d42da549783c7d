// What the Node tests share: the packages out of the build folder, the gateways, and prompts that
// direct the simulated backend.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const modules =
  process.env.CLIENT_MODULES ?? join(here, '../../../target/clients/node/node_modules');

const sdk = await import(pathToFileURL(join(modules, 'openai/index.mjs')));
export const OpenAI = sdk.default;
export const { APIError, APIUserAbortError, APIConnectionTimeoutError } = sdk;

// Everything else, by name: load('ai'). No warnings of the Vercel SDK between the tests.
export const load = createRequire(join(modules, 'here.cjs'));
export const Anthropic = load('@anthropic-ai/sdk').default;
export const { z } = load('zod');
globalThis.AI_SDK_LOG_WARNINGS = false;

export const MODEL = 'gpt-5';
export const THINKING_MODEL = 'claude-4.5-sonnet-thinking';

// How soon the upstream must know that a client left; the promise is one second.
const CANCELLED_WITHIN = 2000;

function needed(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: see tests/clients/README.md`);
  return value;
}

// The gateways, one for each upstream flow.
export const servers = (process.env.FLOWS ?? 'agent,chat').split(',').map((flow) => {
  const key = needed('KEY');
  const baseURL = needed(`BASE_URL_${flow.toUpperCase()}`);
  const settings = { apiKey: key, baseURL, maxRetries: 0, timeout: 30_000 };
  const client = (more = {}) => new OpenAI({ ...settings, ...more });
  const origin = baseURL.replace(/\/v1$/, '');
  const claude = (more = {}) => new Anthropic({ ...settings, baseURL: origin, ...more });
  return { flow, key, baseURL, origin, client, claude, openai: client(), anthropic: claude() };
});

export const sim = (...words) => `[[sim: ${words.join(' ')}]]`;
export const quoted = (text) => JSON.stringify(text);
export const say = (text) => sim('say', quoted(text));
export const think = (text) => sim('think', quoted(text));
export const call = (name, input) => sim('tool', `${name}=${JSON.stringify(input)}`);
export const script = (...directives) => directives.join(' ');
export const NEXT = sim('next');
export const user = (content) => ({ role: 'user', content });
export const freshTag = () => `n${randomUUID()}`;
export const numbered = (count) =>
  Array.from({ length: count }, (_, place) => `w${place + 1} `).join('');

const request = (messages, fields) => ({
  model: MODEL,
  messages: typeof messages === 'string' ? [user(messages)] : messages,
  ...fields,
});

// Both ways to ask, each giving the same figures.
export const ways = {
  async whole(openai, messages, fields = {}) {
    const answer = await openai.chat.completions.create(request(messages, fields));
    const [choice] = answer.choices;
    return {
      text: choice.message.content ?? '',
      reasoning: choice.message.reasoning_content ?? '',
      finish: [choice.finish_reason],
      usage: answer.usage,
    };
  },

  async streamed(openai, messages, fields = {}) {
    const reply = await attempt(openai, messages, fields);
    if (reply.error) throw reply.error;
    checkChunks(reply.chunks);
    return reply;
  },
};

// A streamed answer, or the SDK's error beside what came before it.
export async function attempt(openai, messages, fields = {}) {
  const reply = { text: '', reasoning: '', finish: [], usage: null, chunks: [], error: null };
  const options = { stream: true, stream_options: { include_usage: true } };
  try {
    const body = request(messages, { ...options, ...fields });
    for await (const chunk of await openai.chat.completions.create(body)) {
      reply.chunks.push(chunk);
      for (const { delta, finish_reason: finish } of chunk.choices) {
        reply.text += delta.content ?? '';
        reply.reasoning += delta.reasoning_content ?? '';
        if (finish) reply.finish.push(finish);
      }
      reply.usage = chunk.usage ?? reply.usage;
    }
  } catch (error) {
    reply.error = error;
  }
  return reply;
}

// The shape that validators of OpenAI streams insist on.
function checkChunks(all) {
  assert.equal(new Set(all.map((chunk) => chunk.id)).size, 1, 'the id changes');
  assert.ok(all.every((chunk) => chunk.object === 'chat.completion.chunk'));
  const chunks = all.slice(0, -1);
  const last = all.at(-1);
  assert.deepEqual(last.choices, [], 'the usage chunk has choices');
  assert.ok(last.usage.total_tokens > 0);
  assert.ok(chunks.every((chunk) => chunk.usage === null && chunk.choices.length === 1));
  const [first, ...rest] = chunks.map((chunk) => chunk.choices[0]);
  assert.equal(first.delta.role, 'assistant');
  assert.ok(!first.delta.content, 'the first chunk carries more than the role');
  assert.ok(rest.every((choice) => !('role' in choice.delta)), 'the role is told again');
  assert.ok(rest.at(-1).finish_reason);
  assert.deepEqual(rest.at(-1).delta, {});
  assert.ok(rest.slice(0, -1).every((choice) => choice.finish_reason === null));
}

// What the simulated backend saw of a request.
export const report = (reply) => JSON.parse(reply.text).sim_report;

// How the upstream calls of a tag ended; null if there was none.
export async function stats(server, tag) {
  const reply = await ways.whole(server.openai, sim('stats', tag));
  return JSON.parse(reply.text).sim_stats;
}

// Waits until the counters of a tag are as expected.
export async function eventually(server, tag, expected, within = CANCELLED_WITHIN) {
  const deadline = performance.now() + within;
  for (;;) {
    const counters = (await stats(server, tag)) ?? {};
    if (Object.entries(expected).every(([name, value]) => counters[name] === value)) {
      return counters;
    }
    const text = `${JSON.stringify(counters)}, expected ${JSON.stringify(expected)}`;
    assert.ok(performance.now() < deadline, `${text} within ${within} ms`);
    await sleep(20);
  }
}

export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}
