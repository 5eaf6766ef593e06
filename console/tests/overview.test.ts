/** Spans that are compared, what is open, how channels do. */
import { describe, expect, it } from "vitest";
import { channelRows, type OpenAlert, type Status } from "@/views/channels-alerts/channelRows";
import { comparedSpans, errorPercentage } from "@/views/overview/spans";
import { openWarnings } from "@/views/overview/useWarnings";
import { newestFirst } from "@/views/settings/useRates";

describe("spans", () => {
  it("holds as many days against each other", () => {
    expect(comparedSpans("2026-11-18")).toEqual({
      today: { now: { first: "2026-11-18", last: "2026-11-18" }, before: { first: "2026-11-17", last: "2026-11-17" } },
      week: { now: { first: "2026-11-16", last: "2026-11-18" }, before: { first: "2026-11-09", last: "2026-11-11" } },
      month: { now: { first: "2026-11-01", last: "2026-11-18" }, before: { first: "2026-10-01", last: "2026-10-18" } },
    });
  });

  it.each([["2026-03-31", "2026-02-28"], ["2028-03-29", "2028-02-29"], ["2026-01-01", "2025-12-01"]])("a long month ends with the shorter one before: %s", (today, last) => {
    expect(comparedSpans(today).month.before.last).toBe(last);
  });

  it("has no error rate without calls", () => {
    expect([errorPercentage(0, 0), errorPercentage(0, 4), errorPercentage(1, 4)]).toEqual([null, 0, 25]);
  });
});

function alert(channel_id: string, severity: string, opened_at: string): OpenAlert {
  return { channel_id, channel_name: channel_id, alert_type: "server_error", severity, message: `${channel_id} fails`, id: "a", opened_at, last_seen_at: opened_at, occurrences: 1 };
}

function status(more: Partial<Status> = {}): Status {
  return { error_counts: {}, last_error_times: {}, open_alerts: [], notifiers: [], ...more };
}

it("lists critical alerts first, then the newest, and a pool's alert once", () => {
  const pool = { id: 7, providerId: "openai", providerName: "OpenAI", alertType: "low_balance", alertLevel: "warning", availableBalance: "1", balancePercentage: "5", currency: "CNY", isResolved: false, resolvedAt: null, resolvedBy: null, raisedAt: "" };
  const open = [alert("ch_1", "warning", "2026-11-20T00:00:00Z"), alert("ch_2", "warning", "2026-11-21T00:00:00Z"), alert("ch_3", "critical", "2026-11-01T00:00:00Z")];
  const pools = [{ ...pool, message: "OpenAI is low", createdAt: "2026-11-22T00:00:00Z" }, { ...pool, id: 8, message: "ch_1 fails", createdAt: "2026-11-22T00:00:00Z" }];
  expect(openWarnings({ open_alerts: open }, pools).map((each) => each.about)).toEqual(["ch_3", "OpenAI", "ch_2", "ch_1"]);
});

describe("channels", () => {
  const configured = [{ channelId: "b", channelName: "B", enabled: true }, { channelId: "a", channelName: "A", enabled: false }, { channelId: "c", channelName: "C", enabled: true }];
  const tried = { channel_name: "Old", requests: 3, attempts: 4, failed_attempts: 1, failure_rate: "25", cost: "0.1" };

  it("are listed once each, also those that are gone, and never nobody", () => {
    const rows = channelRows([...configured, ...configured], { old: tried, "(none)": tried }, [{ channel: "old", avg_duration_ms: "12.5" }], status());
    expect(rows.map(({ id, name, health }) => [id, name, health])).toEqual([["a", "A", "off"], ["b", "B", "good"], ["c", "C", "good"], ["old", "Old", "gone"]]);
    expect(rows[3]).toMatchObject({ attempts: 4, failedAttempts: 1, failureRate: "25", durationMs: "12.5" });
    expect(rows[0]).toMatchObject({ attempts: null, failureRate: null, durationMs: null });
  });

  it("are as bad as their worst alert", () => {
    const said = status({ open_alerts: [alert("a", "warning", ""), alert("b", "warning", ""), alert("b", "critical", "")], error_counts: { c: 2 } });
    expect(channelRows(configured, {}, [], said).map((row) => row.health)).toEqual(["warning", "critical", "errors"]);
  });
});

it("lists the newest rate of each pair of currencies first", () => {
  const rate = (base: string, effectiveFrom: string) => ({ base, quote: "CNY", rate: "7", effectiveFrom, source: "" });
  const rates = [rate("USD", "2025-01-01T00:00:00Z"), rate("EUR", "2025-01-01T00:00:00Z"), rate("USD", "2026-01-01T00:00:00Z")];
  expect(newestFirst(rates).map((each) => each.base + each.effectiveFrom.slice(0, 4))).toEqual(["EUR2025", "USD2026", "USD2025"]);
});
