/** What a user has, has used and has left. Whoever is no administrator sees what is his own. */
import type { Ref } from "vue";
import { get } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";
import { quotaRows, type QuotaFacts, type QuotaRow } from "./quotaTypes";

const QUOTA_PATH = "/api/admin/billing/quota/users/{userId}";
const STATISTICS_PATH = "/api/billing/statistics/users/{userId}";

export interface UserQuota {
  facts: QuotaFacts;
  rows: QuotaRow[];
}

/** Null while nobody is chosen. */
export function useUserQuota(userId: Ref<string>): Query<UserQuota | null> {
  return useQuery(async (signal) => {
    if (!userId.value) return null;
    const path = { userId: userId.value };
    const [facts, statistics] = await Promise.all([get(QUOTA_PATH, { path, signal }), get(STATISTICS_PATH, { path, signal })]);
    return { facts, rows: quotaRows(facts, statistics.data) };
  }, userId);
}
