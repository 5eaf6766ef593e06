/** What one call was, all of it: attempts, bill lines, error text, tags. */
import type { Ref } from "vue";
import { get, type Answer } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";

const RECORD_PATH = "/api/admin/billing/usage/records/{requestId}";
export type UsageRecordDetails = Answer<typeof RECORD_PATH, "get">;

export function useUsageRecord(requestId: Ref<string>): Query<UsageRecordDetails> {
  return useQuery((signal) => get(RECORD_PATH, { path: { requestId: requestId.value }, signal }), requestId);
}
