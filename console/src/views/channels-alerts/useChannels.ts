/** How the channels do: what was tried of each, how long calls took, and which alerts are open. */
import { computed, type WritableComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { get, send } from "@/api/client";
import { useQuery, type Query } from "@/queries/useQuery";
import { channelRows, type Attempted, type ChannelRow, type Configured, type Status } from "./channelRows";

/** The guide's three periods, and where the server tells each. */
const PERIODS = { daily: "/v1/stats/daily", weekly: "/v1/stats/weekly", monthly: "/v1/stats/monthly" } as const;
export type Period = keyof typeof PERIODS;
export const PERIOD_NAMES = Object.keys(PERIODS) as Period[];

export interface Channels {
  rows: ChannelRow[];
  status: Status;
  currency: string;
}

export interface ChannelsView {
  period: WritableComputedRef<Period>;
  query: Query<Channels>;
}

export function useChannels(): ChannelsView {
  const route = useRoute();
  const router = useRouter();
  const period = computed<Period>({
    get: () => PERIOD_NAMES.find((each) => each === route.query.period) ?? "daily",
    set: (chosen) => void router.push({ query: chosen === "daily" ? {} : { period: chosen } }),
  });

  async function load(signal: AbortSignal): Promise<Channels> {
    const [tried, timed, status, models] = await Promise.all([
      get(PERIODS[period.value], { signal }),
      get("/v1/stats/query", { query: { by: "channel", period: period.value }, signal }),
      get("/v1/stats/channel-status", { signal }),
      get("/api/admin/billing/models", { signal }),
    ]);
    const standing = status.data as unknown as Status; // the OpenAPI document leaves its fields open
    const attempted = tried.data.channel_details as Record<string, Attempted>;
    const configured: Configured[] = models.flatMap((model) => model.channels);
    return { rows: channelRows(configured, attempted, timed.data.rows, standing), status: standing, currency: tried.data.currency };
  }

  return { period, query: useQuery(load, period) };
}

export async function clearAlerts(channelId: string): Promise<void> {
  await send("post", "/v1/stats/clear-alerts/{channel_id}", { path: { channel_id: channelId } });
}

export async function clearAllAlerts(): Promise<void> {
  await send("post", "/v1/stats/clear-all-alerts");
}
