/** The API keys of one user, and what can be done with a key. */
import type { Ref } from "vue";
import { get, send } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";
import type { KeyBody } from "./keyDraft";

export type Key = components["schemas"]["KeyFacts"];
export type KeyPage = components["schemas"]["KeyPage"];

const OF_ONE_USER = 1000; // all that one answer holds

export function useKeysOf(userId: Ref<string>): Query<KeyPage> {
  return useQuery(
    (signal) => get("/api/admin/users/{userId}/keys", { path: { userId: userId.value }, query: { limit: OF_ONE_USER }, signal }),
    userId,
  );
}

export async function createKey(userId: string, body: KeyBody, idempotencyKey: string): Promise<Key> {
  return send("post", "/api/admin/users/{userId}/keys", { path: { userId }, body, idempotencyKey });
}

export async function changeKey(keyId: string, body: KeyBody, idempotencyKey: string): Promise<Key> {
  return send("patch", "/api/admin/keys/{keyId}", { path: { keyId }, body, idempotencyKey });
}

export async function rotateKey(keyId: string, overlapSeconds: number, idempotencyKey: string): Promise<Key> {
  return send("post", "/api/admin/keys/{keyId}/rotate", { path: { keyId }, body: { overlapSeconds }, idempotencyKey });
}

export async function revokeKey(keyId: string, idempotencyKey: string): Promise<Key> {
  return send("delete", "/api/admin/keys/{keyId}", { path: { keyId }, idempotencyKey });
}
