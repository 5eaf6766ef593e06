/** Where the money of the last thirty days went, for the chart. */
import { ref, type Ref } from "vue";
import { useQuery, type Query } from "@/queries/useQuery";
import { askCosts, costQuery, defaultFilters, type CostFilter, type CostSummary } from "@/views/cost-statistics/useCostStatistics";

export const TREND_GROUPINGS = ["provider", "model"] as const;
export type TrendGrouping = (typeof TREND_GROUPINGS)[number];

export interface Trend {
  filters: Record<CostFilter, string>;
  summary: CostSummary;
}

export function useTrend(): { by: Ref<TrendGrouping>; query: Query<Trend> } {
  const by = ref<TrendGrouping>("provider");
  const query = useQuery(async (signal) => {
    const filters = { ...defaultFilters(), by: by.value };
    const range = { first: filters.startDate, last: filters.endDate };
    return { filters, summary: await askCosts({ ...costQuery(filters, range), groupBy: by.value, limit: 50 }, signal) };
  }, by);
  return { by, query };
}
