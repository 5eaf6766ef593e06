/** The five kinds of quota, and where the server's answers say what of each there is. */
import type { components } from "@/api/schema";
import type { Exact } from "@/exact";

export type QuotaFacts = components["schemas"]["UserQuotaFacts"];
export type QuotaStatistics = components["schemas"]["UserStatistics"];

export const QUOTA_TYPES = ["text_token", "image", "audio", "video", "money"] as const;
export type QuotaType = (typeof QUOTA_TYPES)[number];

/** One kind of quota of one user; sound in minutes, video in seconds. */
export interface QuotaRow {
  type: QuotaType;
  available: Exact;
  permanent: Exact;
  permanentUsed: Exact;
  monthly: Exact;
  monthlyUsed: Exact;
  /** How much of all of it is used, in percent. */
  usageRate: Exact;
}

/** The kinds side by side, as the server counts them. */
export function quotaRows(facts: QuotaFacts, statistics: QuotaStatistics): QuotaRow[] {
  return [
    {
      type: "text_token",
      available: facts.textTokenAvailable,
      permanent: facts.textTokenTotal,
      permanentUsed: facts.textTokenUsed,
      monthly: facts.textTokenMonthlyQuota,
      monthlyUsed: facts.textTokenMonthlyUsed,
      usageRate: statistics.textTokenStats.totalUsageRate,
    },
    {
      type: "image",
      available: facts.imageAvailable,
      permanent: facts.imageQuotaTotal,
      permanentUsed: facts.imageQuotaUsed,
      monthly: facts.imageQuotaMonthly,
      monthlyUsed: facts.imageQuotaMonthlyUsed,
      usageRate: statistics.imageStats.totalUsageRate,
    },
    {
      type: "audio",
      available: facts.audioAvailable,
      permanent: facts.audioQuotaTotal,
      permanentUsed: facts.audioQuotaUsed,
      monthly: facts.audioQuotaMonthly,
      monthlyUsed: facts.audioQuotaMonthlyUsed,
      usageRate: statistics.audioStats.totalUsageRate,
    },
    {
      type: "video",
      available: facts.videoAvailable,
      permanent: facts.videoQuotaTotal,
      permanentUsed: facts.videoQuotaUsed,
      monthly: facts.videoQuotaMonthly,
      monthlyUsed: facts.videoQuotaMonthlyUsed,
      usageRate: statistics.videoStats.totalUsageRate,
    },
    {
      type: "money",
      available: facts.moneyAvailable,
      permanent: facts.moneyTotal,
      permanentUsed: facts.moneyUsed,
      monthly: facts.moneyMonthly,
      monthlyUsed: facts.moneyMonthlyUsed,
      usageRate: statistics.moneyStats.totalUsageRate,
    },
  ];
}

/** A month and those before it, the newest first: `2026-01`, `2025-12`, … */
export function monthsUntil(month: string, count: number): string[] {
  const moment = new Date(`${month}-01T00:00:00Z`);
  return Array.from({ length: count }, () => {
    const found = moment.toISOString().slice(0, 7);
    moment.setUTCMonth(moment.getUTCMonth() - 1);
    return found;
  });
}
