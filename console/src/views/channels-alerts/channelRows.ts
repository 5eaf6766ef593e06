/** One row for each channel that is configured or was tried, out of what several answers say of it. */
import type { Exact } from "@/exact";

export interface Configured {
  channelId: string;
  channelName: string;
  enabled: boolean;
}

export interface Attempted {
  channel_name: string;
  requests: number;
  attempts: number | null;
  failed_attempts: number | null;
  failure_rate: Exact;
  cost: Exact;
}

export interface OpenAlert {
  channel_id: string;
  channel_name: string;
  alert_type: string;
  severity: string;
  message: string;
  id: string;
  opened_at: string;
  last_seen_at: string;
  occurrences: number;
}

export interface NotifierFacts {
  name: string;
  pending: number;
  delivered: number;
  failed_tries: number;
  given_up: number;
  last_delivered_at: string | null;
  last_error: string | null;
}

export interface Status {
  error_counts: Record<string, number>;
  last_error_times: Record<string, string>;
  open_alerts: OpenAlert[];
  notifiers: NotifierFacts[];
}

/** `critical` and `warning`: an alert is open; `errors`: some, too few for one; `gone`: not configured any more. */
export type Health = "critical" | "warning" | "errors" | "good" | "off" | "gone";

export interface ChannelRow {
  id: string;
  name: string;
  health: Health;
  requests: number;
  attempts: number | null;
  failedAttempts: number | null;
  failureRate: Exact | null;
  cost: Exact | null;
  durationMs: Exact | null;
  lastErrorAt: string | null;
}

export function channelRows(
  configured: readonly Configured[],
  attempted: Readonly<Record<string, Attempted>>,
  timed: readonly Readonly<Record<string, unknown>>[],
  status: Status,
): ChannelRow[] {
  const known = new Map(configured.map((channel) => [channel.channelId, channel]));
  const durations = new Map(timed.map((row) => [row.channel, row.avg_duration_ms as Exact]));
  const ids = [...new Set([...known.keys(), ...Object.keys(attempted)])].filter((id) => id !== "(none)").sort();
  return ids.map((id) => {
    const tried = attempted[id];
    return {
      id,
      name: known.get(id)?.channelName ?? tried?.channel_name ?? id,
      health: healthOf(id, known.get(id), status),
      requests: tried?.requests ?? 0,
      attempts: tried?.attempts ?? null,
      failedAttempts: tried?.failed_attempts ?? null,
      failureRate: tried?.failure_rate ?? null,
      cost: tried?.cost ?? null,
      durationMs: durations.get(id) ?? null,
      lastErrorAt: status.last_error_times[id] ?? null,
    };
  });
}

function healthOf(id: string, channel: Configured | undefined, status: Status): Health {
  const alerts = status.open_alerts.filter((alert) => alert.channel_id === id);
  if (alerts.some((alert) => alert.severity === "critical")) return "critical";
  if (alerts.length) return "warning";
  if (!channel) return "gone";
  if (!channel.enabled) return "off";
  return status.error_counts[id] ? "errors" : "good";
}
