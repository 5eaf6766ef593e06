/** What cost most this month: models, channels, users. */
import { firstOfMonth } from "@/days";
import { useQuery, type Query } from "@/queries/useQuery";
import { today } from "@/session";
import { askCosts, type CostSummary } from "@/views/cost-statistics/useCostStatistics";

export const RANKED = ["model", "channel", "user"] as const;
export type Rankings = Record<(typeof RANKED)[number], CostSummary>;

const PLACES = 5;

export function useRankings(): Query<Rankings> {
  return useQuery(async (signal) => {
    const last = today();
    const ask = (groupBy: string) => askCosts({ startDate: firstOfMonth(last), endDate: last, groupBy, limit: PLACES }, signal);
    const [model, channel, user] = await Promise.all([ask("model"), ask("channel"), ask("user")]);
    return { model, channel, user };
  });
}
