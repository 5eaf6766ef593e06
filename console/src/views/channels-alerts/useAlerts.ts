/** The alerts of the last days, newest first. */
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";

export type PastAlert = components["schemas"]["ChannelAlert"];

const HOURS = 168; // the longest that the server takes

export function useAlerts(): Query<PastAlert[]> {
  return useQuery(async (signal) => {
    const { data } = await get("/v1/stats/alerts", { query: { hours: HOURS }, signal });
    return [...data.alerts].reverse();
  });
}
