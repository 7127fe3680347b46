// The server API as an application calls it: over HTTP, or over NATS.
import { apiKey } from './millrace.mjs';
import { slowness } from './wait.mjs';

// POST /api/<method>: {status, text, result, error}.
export async function call(server, method, params = {}, { key = apiKey, headers = {} } = {}) {
  const path = method === '' ? '/api' : `/api/${method}`;
  const response = await fetch(`http://${server.host}${path}`, {
    method: 'POST',
    headers: { ...(key === null ? {} : { 'X-API-Key': key }), ...headers },
    body: typeof params === 'string' || Buffer.isBuffer(params) ? params : JSON.stringify(params),
    signal: AbortSignal.timeout(10_000 * slowness),
  });
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').startsWith('application/json');
  const body = json && !text.includes('\n') ? JSON.parse(text) : {};
  return { status: response.status, text, ...body };
}

// What it comes to: the result, or the error's code.
export async function outcome(server, method, params, options) {
  const { status, result, error } = await call(server, method, params, options);
  if (status !== 200) return `HTTP ${status}`;
  return error ? error.code : result;
}

// The same over NATS.
export async function ask(application, method, params = {}, { prefix = '' } = {}) {
  const text = typeof params === 'string' ? params : JSON.stringify(params);
  const options = { timeout: 8_000 * slowness };
  const reply = await application.request(`${prefix}millrace.api.${method}`, text, options);
  return JSON.parse(Buffer.from(reply.data).toString());
}
