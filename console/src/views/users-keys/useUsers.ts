/** One user, and what can be done with users. */
import type { Ref } from "vue";
import { get, send } from "@/api/client";
import type { components } from "@/api/schema";
import { amountField } from "@/exact";
import { useQuery, type Query } from "@/queries/useQuery";

export type User = components["schemas"]["UserFacts"];

export function useUser(userId: Ref<string>): Query<User> {
  return useQuery((signal) => get("/api/admin/users/{userId}", { path: { userId: userId.value }, signal }), userId);
}

/** What a form holds of a user. */
export interface UserDraft {
  id: string;
  name: string;
  groupRatio: string;
}

export async function createUser(draft: UserDraft, idempotencyKey: string): Promise<User> {
  const body = { name: draft.name, ...(draft.id ? { id: draft.id } : {}), groupRatio: amountField(draft.groupRatio) };
  return send("post", "/api/admin/users", { body, idempotencyKey });
}

export async function changeUser(userId: string, edit: { name?: string; groupRatio?: string; enabled?: boolean }, idempotencyKey: string): Promise<User> {
  const body = { ...edit, ...(edit.groupRatio === undefined ? {} : { groupRatio: amountField(edit.groupRatio) }) };
  return send("patch", "/api/admin/users/{userId}", { path: { userId }, body, idempotencyKey });
}
