/** One door to the server: exact numbers in, one error shape out, a refused session leads to the login page. */
import { parseExact, stringifyExact } from "../exact";
import type { paths } from "./schema";

type Method = "get" | "post" | "put" | "patch" | "delete";
type PathsWith<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type Json<R> = R extends { content: { "application/json": infer T } } ? T : undefined;
type Good<R> = R extends Record<200, infer A> ? Json<A> : R extends Record<201, infer B> ? Json<B> : undefined;
export type Answer<P extends keyof paths, M extends Method> = Operation<P, M> extends { responses: infer R } ? Good<R> : never;
export type QueryOf<P extends keyof paths, M extends Method> = Operation<P, M> extends { parameters: { query?: infer Q } } ? Q : never;
type PathWords = Record<string, string | number>;
type QueryWords = Readonly<Record<string, string | number | boolean | null | undefined>>;

interface Asking {
  /** The words in braces of the path. */
  path?: PathWords;
  query?: QueryWords;
  signal?: AbortSignal | undefined;
}

interface Sending extends Asking {
  body?: unknown;
  /** Sent as `Idempotency-Key`: one for each intention of the user, the same when it is tried again. */
  idempotencyKey?: string;
}

/** The server refused, or did not answer; `status` 0 means that it was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | null = null,
    readonly retryAfterS: number | null = null,
    readonly requestId: string | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Who wants to know that the session is over; set once by the router. */
export const sessionListeners = new Set<() => void>();

const WRONG_WORDS = "login_refused"; // the code of a wrong password, which says nothing about the session

/** GET a path of the OpenAPI document. */
export async function get<P extends PathsWith<"get">>(path: P, asking: Asking = {}): Promise<Answer<P, "get">> {
  return (await request("GET", path, asking)) as Answer<P, "get">;
}

/** Change something. */
export async function send<M extends Exclude<Method, "get">, P extends PathsWith<M>>(
  method: M,
  path: P,
  sending: Sending = {},
): Promise<Answer<P, M>> {
  return (await request(method.toUpperCase(), path, sending)) as Answer<P, M>;
}

/** GET a file as a stream; the caller reads its body. */
export async function openStream(path: string, asking: Asking = {}): Promise<Response> {
  return exchange("GET", path, asking);
}

async function request(method: string, path: string, sending: Sending): Promise<unknown> {
  const response = await exchange(method, path, sending);
  const text = await response.text();
  return text ? parseExact(text) : undefined;
}

async function exchange(method: string, path: string, { path: words, query, body, idempotencyKey, signal }: Sending): Promise<Response> {
  const headers = new Headers({ accept: "application/json" });
  if (body !== undefined) headers.set("content-type", "application/json");
  if (idempotencyKey) headers.set("idempotency-key", idempotencyKey);
  if (method !== "GET") headers.set("x-requested-with", "console"); // a form of a foreign page cannot set it
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: signal ?? null };
  if (body !== undefined) init.body = stringifyExact(body);
  const response = await fetch(addressOf(path, words, query), init).catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, String(cause));
  });
  if (response.ok) return response;
  const refused = await errorOf(response);
  if (refused.status === 401 && refused.code !== WRONG_WORDS) for (const tell of sessionListeners) tell();
  throw refused;
}

/** The path with its words filled in, and the query's words; an empty one asks for what has none. */
export function addressOf(path: string, words: PathWords = {}, query: QueryWords = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(words[name] ?? ""));
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) asked.set(name, String(value));
  }
  return asked.size ? `${filled}?${asked}` : filled;
}

/** A new key for something that must happen once. */
export function newIdempotencyKey(): string {
  return `console-${crypto.randomUUID()}`;
}

async function errorOf(response: Response): Promise<ApiError> {
  const retry = response.headers.get("retry-after");
  const retryAfterS = retry && /^\d+$/.test(retry) ? Number.parseInt(retry, 10) : null;
  const told = messageOf(await response.text().catch(() => ""));
  const requestId = response.headers.get("x-request-id");
  return new ApiError(response.status, told.message || response.statusText, told.code, retryAfterS, requestId);
}

interface Told {
  message: string;
  code: string | null;
}

function messageOf(text: string): Told {
  let body: unknown;
  try {
    body = parseExact(text);
  } catch {
    return { message: text.slice(0, 500), code: null };
  }
  if (!isObject(body)) return { message: "", code: null };
  const inner = isObject(body.error) ? body.error : body;
  const message = inner.message ?? inner.detail ?? body.error ?? "";
  const code = typeof inner.code === "string" ? inner.code : null;
  return { message: typeof message === "string" ? message : JSON.stringify(message), code };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
