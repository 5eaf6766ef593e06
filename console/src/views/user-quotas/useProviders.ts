/** At which providers there is a pool to reckon with. */
import { get } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";

export interface ProviderName {
  id: string;
  name: string;
}

export function useProviders(): Query<ProviderName[]> {
  return useQuery(async (signal) => {
    const pools = await get("/api/admin/billing/resource-pool", { signal });
    return pools.map((pool) => ({ id: pool.providerId, name: pool.providerName }));
  });
}
