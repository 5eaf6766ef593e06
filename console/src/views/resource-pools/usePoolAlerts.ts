/** Alerts of the pools: those that are open, or those that are resolved. */
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";

const ALERTS_PATH = "/api/admin/billing/resource-pool/alerts";
export type PoolAlert = components["schemas"]["PoolAlertFacts"];

export function usePoolAlerts(isResolved: boolean): Query<PoolAlert[]> {
  return useQuery((signal) => get(ALERTS_PATH, { query: { isResolved }, signal }));
}
