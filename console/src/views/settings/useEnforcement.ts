/** Whether callers without quota are refused. */
import { get, send, type Answer } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";

const SWITCH_PATH = "/api/admin/system/config/billing/quota-enforcement";
export type Enforcement = Answer<typeof SWITCH_PATH, "get">;

export function useEnforcement(): Query<Enforcement> {
  return useQuery((signal) => get(SWITCH_PATH, { signal }));
}

/** Answers what is in force now, in the server's words. */
export async function setEnforcement(enabled: boolean, idempotencyKey: string): Promise<string> {
  const { message } = await send("post", SWITCH_PATH, { body: { enabled }, idempotencyKey });
  return message;
}
