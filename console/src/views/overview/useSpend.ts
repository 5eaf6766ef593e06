/** What was spent today, this week and this month, and before; the sums and the changes are the server's. */
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";
import { today } from "@/session";
import { askCosts, type CostSummary } from "@/views/cost-statistics/useCostStatistics";
import { comparedSpans, SPANS, type Span } from "./spans";

export interface Spend {
  spans: Record<Span, { now: CostSummary; before: CostSummary }>;
  comparison: components["schemas"]["Comparison"];
}

export function useSpend(): Query<Spend> {
  return useQuery(async (signal) => {
    const ranges = comparedSpans(today());
    const ask = ({ first, last }: { first: string; last: string }) => askCosts({ startDate: first, endDate: last, limit: 1 }, signal);
    const [{ data }, ...found] = await Promise.all([
      get("/v1/stats/summary", { signal }),
      ...SPANS.map(async (span) => {
        const [now, before] = await Promise.all([ask(ranges[span].now), ask(ranges[span].before)]);
        return [span, { now, before }] as const;
      }),
    ]);
    return { spans: Object.fromEntries(found) as Spend["spans"], comparison: data.comparison };
  });
}
