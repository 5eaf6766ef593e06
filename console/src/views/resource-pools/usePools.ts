/** What is left at every provider. */
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";

const POOLS_PATH = "/api/admin/billing/resource-pool";
export type Pool = components["schemas"]["PoolFacts"];

export function usePools(): Query<Pool[]> {
  return useQuery((signal) => get(POOLS_PATH, { signal }));
}
