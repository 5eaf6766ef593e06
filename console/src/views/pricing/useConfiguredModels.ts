/** Which models a price can be set for, to choose from. */
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";

export function useConfiguredModels(): Query<components["schemas"]["ModelFacts"][]> {
  return useQuery((signal) => get("/api/admin/billing/models", { signal }));
}
