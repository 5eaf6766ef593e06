// Runs one scenario with OpenAI's own library for Node and prints what came of it as one JSON object.
//   node client.mjs SCENARIO BASE_URL KEY

import OpenAI from "openai";

const [scenario, baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];

const scenarios = {
  async chat() {
    const { data, request_id } = await client.chat.completions
      .create({ model: "gpt-4o-mini", messages })
      .withResponse();
    return { text: data.choices[0].message.content, tokens: data.usage.total_tokens, request_id };
  },

  async stream() {
    const pieces = [];
    const usages = [];
    const options = { include_usage: true };
    const stream = await client.chat.completions.create({
      model: "gpt-4o-mini",
      messages,
      stream: true,
      stream_options: options,
    });
    for await (const chunk of stream) {
      pieces.push(chunk.choices[0]?.delta?.content ?? "");
      if (chunk.usage) usages.push(chunk.usage.total_tokens);
    }
    return { text: pieces.join(""), pieces: pieces.length, usages };
  },

  async tools() {
    const tools = [{ type: "function", function: { name: "get_weather", parameters: { type: "object" } } }];
    const reply = await client.chat.completions.create({ model: "tooled", messages, tools });
    return { calls: reply.choices[0].message.tool_calls.map((call) => call.function) };
  },

  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    const embeddings = await client.embeddings.create({ model: "text-embedding-3-small", input: "Hello" });
    return { names, length: embeddings.data[0].embedding.length };
  },

  async errors() {
    const seen = {};
    for (const model of ["nobody-has-this", "picky", "limited", "penniless"]) {
      seen[model] = await failure(() => client.chat.completions.create({ model, messages }));
    }
    const stranger = new OpenAI({ baseURL, apiKey: "sk-of-nobody", maxRetries: 0 });
    seen.stranger = await failure(() => stranger.chat.completions.create({ model: "gpt-4o-mini", messages }));
    return seen;
  },

  async abort() {
    const stream = await client.chat.completions.create({ model: "long", messages, stream: true });
    let pieces = 0;
    for await (const _ of stream) {
      pieces += 1;
      if (pieces === 2) stream.controller.abort();
    }
    return { pieces };
  },
};

async function failure(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return { name: error.constructor.name, status: error.status, code: error.code };
  }
}

console.log(JSON.stringify(await scenarios[scenario]()));
