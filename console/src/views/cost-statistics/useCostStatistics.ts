/** What was spent in some days, by what: the sums come from the server, also those of the days before. */
import { computed, type ComputedRef } from "vue";
import { get, type Answer } from "@/api/client";
import { previousRange, shiftDay, type DayRange } from "@/days";
import { useQuery, type Query } from "@/queries/useQuery";
import { setFilters, useUrlFilters, type UrlFilters } from "@/queries/useUrlFilters";
import { today } from "@/session";

const SUMMARY_PATH = "/api/admin/billing/cost/summary";
export type CostSummary = Answer<typeof SUMMARY_PATH, "get">;
export type CostGroup = CostSummary["rows"][number];
export type CostFilter = "startDate" | "endDate" | "providerId" | "modelId" | "by";

/** What costs can be grouped by here. */
export const GROUPINGS = ["provider", "model", "usageType", "user", "channel", "tag"] as const;

const DAYS_BY_DEFAULT = 30;
const GROUPS_LISTED = 50;

export interface CostAnswer {
  now: CostSummary;
  /** The same question about as many days just before. */
  before: CostSummary;
}

export interface CostStatistics extends UrlFilters<CostFilter> {
  query: Query<CostAnswer>;
  range: ComputedRef<DayRange>;
}

/** The last 30 days, all providers and models. */
export function defaultFilters(): Record<CostFilter, string> {
  const last = today();
  return { startDate: shiftDay(last, 1 - DAYS_BY_DEFAULT), endDate: last, providerId: "", modelId: "", by: "provider" };
}

/** A filter as the server's cost routes take it. */
export function costQuery(filters: Readonly<Record<CostFilter, string>>, range: DayRange): Record<string, string> {
  const { providerId, modelId } = filters;
  return { startDate: range.first, endDate: range.last, ...setFilters({ providerId, modelId }) };
}

/** Sums of some days by one dimension, the largest first. */
export async function askCosts(query: Record<string, string | number>, signal: AbortSignal): Promise<CostSummary> {
  return get(SUMMARY_PATH, { query, signal });
}

export function useCostStatistics(): CostStatistics {
  const urlFilters = useUrlFilters(defaultFilters);
  const range = computed(() => ({ first: urlFilters.filters.value.startDate, last: urlFilters.filters.value.endDate }));

  async function ask(days: DayRange, signal: AbortSignal): Promise<CostSummary> {
    const filters = urlFilters.filters.value;
    return askCosts({ ...costQuery(filters, days), groupBy: filters.by, limit: GROUPS_LISTED }, signal);
  }

  const query = useQuery(
    async (signal) => {
      const [now, before] = await Promise.all([ask(range.value, signal), ask(previousRange(range.value), signal)]);
      return { now, before };
    },
    () => JSON.stringify(urlFilters.filters.value),
  );
  return { ...urlFilters, query, range };
}
