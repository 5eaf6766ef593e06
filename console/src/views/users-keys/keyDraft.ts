/** What a form holds of a key, and what of it the server is sent: only what is said, and of a change only what changed. */
import { dayIn, shiftDay, startOfDay } from "@/days";
import { amountField, type RawNumber } from "@/exact";
import type { Key } from "./useKeys";

export interface KeyDraft {
  name: string;
  /** Names or tag queries, one in each line. */
  models: string;
  /** The last day, in the server's time zone; empty for no end. */
  lastDay: string;
  requestsPerMinute: string;
  concurrency: string;
}

export interface KeyBody {
  name?: string;
  models?: string[];
  expiresAt?: string | null;
  requestsPerMinute?: RawNumber | null;
  concurrency?: RawNumber | null;
  enabled?: boolean;
}

export function emptyDraft(): KeyDraft {
  return { name: "", models: "", lastDay: "", requestsPerMinute: "", concurrency: "" };
}

export function draftOf(key: Key, timeZone: string | undefined): KeyDraft {
  return {
    name: key.name,
    models: key.models.join("\n"),
    lastDay: key.expiresAt ? dayIn(timeZone, new Date(Date.parse(key.expiresAt) - 1)) : "",
    requestsPerMinute: key.requestsPerMinute === null ? "" : String(key.requestsPerMinute),
    concurrency: key.concurrency === null ? "" : String(key.concurrency),
  };
}

/** What was changed in a form; for a new key, all that was said. */
export function bodyOf(draft: KeyDraft, before: KeyDraft, timeZone: string | undefined): KeyBody {
  const body: KeyBody = {};
  if (draft.name !== before.name) body.name = draft.name;
  if (draft.models !== before.models) body.models = linesOf(draft.models);
  if (draft.lastDay !== before.lastDay) body.expiresAt = draft.lastDay ? endOfDay(draft.lastDay, timeZone) : null;
  if (draft.requestsPerMinute !== before.requestsPerMinute) body.requestsPerMinute = limitOf(draft.requestsPerMinute);
  if (draft.concurrency !== before.concurrency) body.concurrency = limitOf(draft.concurrency);
  return body;
}

function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

function limitOf(text: string): RawNumber | null {
  return text ? amountField(text) : null;
}

function endOfDay(day: string, timeZone: string | undefined): string {
  return startOfDay(shiftDay(day, 1), timeZone);
}
