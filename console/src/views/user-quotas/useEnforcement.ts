/** Whether callers without quota are refused. */
import { get, type Answer } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";

export const ENFORCEMENT_PATH = "/api/admin/system/config/billing/quota-enforcement";
export type Enforcement = Answer<typeof ENFORCEMENT_PATH, "get">;

export function useEnforcement(): Query<Enforcement> {
  return useQuery((signal) => get(ENFORCEMENT_PATH, { signal }));
}
