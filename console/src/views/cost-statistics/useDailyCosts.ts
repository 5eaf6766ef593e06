/** What every model did on every day: the guide's table. */
import type { Ref } from "vue";
import { get, type Answer } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";
import { costQuery, type CostFilter } from "./useCostStatistics";

const DAILY_PATH = "/api/admin/billing/cost/daily";
export type DailyCosts = Answer<typeof DAILY_PATH, "get">;

export function useDailyCosts(filters: Ref<Readonly<Record<CostFilter, string>>>): Query<DailyCosts> {
  return useQuery(
    (signal) => {
      const { startDate, endDate } = filters.value;
      return get(DAILY_PATH, { query: costQuery(filters.value, { first: startDate, last: endDate }), signal });
    },
    () => JSON.stringify(filters.value),
  );
}
