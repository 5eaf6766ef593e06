/** What somebody should look at: pools, and alerts of channels and pools that are not over. */
import { get } from "@/api/client";
import type { components } from "@/api/schema";
import { useQuery, type Query } from "@/queries/useQuery";
import type { Status } from "@/views/channels-alerts/channelRows";

type Facts = components["schemas"];

export interface OpenWarning {
  key: string;
  about: string;
  message: string;
  isCritical: boolean;
  since: string;
}

export interface Warnings {
  /** Those that were opened: a provider without one has no limit. */
  pools: Facts["PoolFacts"][];
  open: OpenWarning[];
}

export function useWarnings(): Query<Warnings> {
  return useQuery(async (signal) => {
    const [pools, alerts, { data }] = await Promise.all([
      get("/api/admin/billing/resource-pool", { signal }),
      get("/api/admin/billing/resource-pool/alerts", { query: { isResolved: false }, signal }),
      get("/v1/stats/channel-status", { signal }),
    ]);
    return { pools: pools.filter((pool) => pool.isOpened), open: openWarnings(data as unknown as Status, alerts) };
  });
}

/** The critical ones first, then the newest. A pool's alert is also a channel alert of its own kind, and listed once. */
export function openWarnings(status: Pick<Status, "open_alerts">, poolAlerts: readonly Facts["PoolAlertFacts"][]): OpenWarning[] {
  const ofChannels = status.open_alerts.map((alert) => ({
    key: `channel ${alert.channel_id} ${alert.id}`,
    about: alert.channel_name || alert.channel_id,
    message: alert.message,
    isCritical: alert.severity === "critical",
    since: alert.opened_at,
  }));
  const said = new Set(ofChannels.map((alert) => alert.message));
  const ofPools = poolAlerts.filter((alert) => !said.has(alert.message)).map((alert) => ({
    key: `pool ${alert.id}`,
    about: alert.providerName,
    message: alert.message,
    isCritical: alert.alertLevel === "critical",
    since: alert.createdAt,
  }));
  const rank = (warning: OpenWarning) => (warning.isCritical ? 0 : 1);
  return [...ofChannels, ...ofPools].sort((one, other) => rank(one) - rank(other) || Date.parse(other.since) - Date.parse(one.since));
}
