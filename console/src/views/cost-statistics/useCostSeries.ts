/**
 * What the largest groups cost day by day, for the chart. Each group's days are a question of their own, so that every
 * amount drawn is one that the server added up.
 */
import type { Ref } from "vue";
import { useQuery, type Query } from "@/queries/useQuery";
import { askCosts, costQuery, type CostFilter, type CostGroup, type CostSummary } from "./useCostStatistics";

export interface CostSeries {
  group: CostGroup;
  days: CostSummary;
}

const SERIES_MAX = 6; // more colours than these cannot be told apart
const NOBODY = "(none)";

/** The parameter that asks for one group; a tag has none, since a call may carry several. */
const PARAMETERS: Readonly<Record<string, string>> = {
  provider: "providerId",
  model: "modelId",
  usageType: "usageType",
  user: "userId",
  channel: "channelId",
};

export function useCostSeries(
  filters: Ref<Readonly<Record<CostFilter, string>>>,
  summary: () => CostSummary | undefined,
): Query<CostSeries[]> {
  async function seriesOf(signal: AbortSignal): Promise<CostSeries[]> {
    const found = summary();
    if (!found) return [];
    const days = { ...costQuery(filters.value, { first: found.startDate, last: found.endDate }), groupBy: "day", limit: 1000 };
    const parameter = PARAMETERS[found.groupBy];
    if (!parameter) return [{ group: found.totals, days: await askCosts(days, signal) }];
    const groups = found.rows.slice(0, SERIES_MAX);
    return Promise.all(
      groups.map(async (group) => {
        const asked = { ...days, [parameter]: group.key === NOBODY ? "" : group.key };
        return { group, days: await askCosts(asked, signal) };
      }),
    );
  }

  return useQuery(seriesOf, summary);
}
