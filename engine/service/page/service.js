// The service, from the page's side: requests with the key where one is needed, and streams of events.

const KEY = "easel-key";

export class Refused extends Error {}
// The service answered, and said no. Its message is for people.

export async function ask(path, { method = "GET", body, askForKey } = {}) {
  const response = await send(path, method, body, askForKey);
  return response.json();
}

export async function* events(path, { method = "GET", askForKey } = {}) {
  const response = await send(path, method, undefined, askForKey);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (fields.event) yield [fields.event, JSON.parse(fields.data)];
    }
  }
}

async function send(path, method, body, askForKey) {
  while (true) {
    const headers = {};
    const key = sessionStorage.getItem(KEY);
    if (key) headers.Authorization = `Bearer ${key}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    if (response.ok) return response;
    if (response.status === 401 && askForKey) {
      sessionStorage.setItem(KEY, await askForKey());
      continue;
    }
    const told = await response.json().catch(() => null);
    throw new Refused(told?.error?.message ?? `${response.status} ${response.statusText}`);
  }
}
