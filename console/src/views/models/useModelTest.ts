/**
 * One real call of a model, made by hand. It goes to the gateway as any client's call does, with a user's key or, on the
 * router's own machine, without one; it is held, billed and recorded like every other. The console's session opens
 * nothing there and is not sent.
 */
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { ApiError, get, type Answer } from "@/api/client";
import { noticeRefused } from "@/components/notices";
import { parseExact } from "@/exact";

const CALL_PATH = "/v1/chat/completions";
const RECORD_PATH = "/api/admin/billing/usage/records/{requestId}";
const WAIT_MS = 120_000; // longer than a first byte of any model that is in order
export const OUTPUT_TOKENS_MAX = 16;

export interface TestOutcome {
  status: number;
  /** What the model said, or why it did not. */
  text: string;
  requestId: string;
  /** As it stands on the books; null for a request that was turned away before it was a call. */
  record: Answer<typeof RECORD_PATH, "get"> | null;
}

export interface ModelTest {
  outcome: ShallowRef<TestOutcome | null>;
  isRunning: Ref<boolean>;
  run: (model: string, message: string, apiKey: string) => Promise<void>;
}

export function useModelTest(): ModelTest {
  const outcome = shallowRef<TestOutcome | null>(null);
  const isRunning = ref(false);

  async function run(model: string, message: string, apiKey: string): Promise<void> {
    isRunning.value = true;
    outcome.value = null;
    try {
      outcome.value = await call(model, message, apiKey);
    } catch (cause) {
      noticeRefused(cause);
    } finally {
      isRunning.value = false;
    }
  }

  return { outcome, isRunning, run };
}

async function call(model: string, message: string, apiKey: string): Promise<TestOutcome> {
  const headers = new Headers({ "content-type": "application/json" });
  if (apiKey) headers.set("authorization", `Bearer ${apiKey}`);
  const body = JSON.stringify({ model, messages: [{ role: "user", content: message }], max_tokens: OUTPUT_TOKENS_MAX });
  const init: RequestInit = { method: "POST", headers, body, credentials: "omit", signal: AbortSignal.timeout(WAIT_MS) };
  try {
    const response = await fetch(CALL_PATH, init);
    const requestId = response.headers.get("x-request-id") ?? "";
    const text = answerText(await response.text());
    return { status: response.status, text, requestId, record: await recordOf(requestId) };
  } catch (cause) {
    throw cause instanceof ApiError ? cause : new ApiError(0, String(cause));
  }
}

async function recordOf(requestId: string): Promise<TestOutcome["record"]> {
  try {
    return await get(RECORD_PATH, { path: { requestId } });
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 404) return null;
    throw cause;
  }
}

/** The message of a completion or of an error; anything else as it came. */
export function answerText(body: string): string {
  let answer: unknown;
  try {
    answer = parseExact(body);
  } catch {
    return body.slice(0, 500);
  }
  const { choices, error } = answer as { choices?: { message?: { content?: unknown } }[]; error?: { message?: unknown } };
  const said = choices?.[0]?.message?.content ?? error?.message ?? "";
  return typeof said === "string" ? said : JSON.stringify(said);
}
