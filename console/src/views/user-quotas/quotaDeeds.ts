/** What an administrator can do to quotas. Amounts go out as the digits that were typed. */
import { send, type Answer } from "@/api/client";
import { amountField } from "@/exact";
import { ENFORCEMENT_PATH } from "./useEnforcement";
import type { Batch } from "./useCalculation";

const QUOTA_PATH = "/api/admin/billing/quota/users/{userId}";
const BATCH_PATH = "/api/admin/billing/quota/batch-grant";

export const DEEDS = ["grant", "correction", "monthly"] as const;
export type QuotaDeed = (typeof DEEDS)[number];
export type BatchOutcome = Answer<typeof BATCH_PATH, "post">;
export type EnforcementOutcome = Answer<typeof ENFORCEMENT_PATH, "post">;

/** A change of one kind of one user's quota. */
export interface QuotaChange {
  deed: QuotaDeed;
  quotaType: string;
  amount: string;
  /** Empty for the permanent part; only a correction can be of a month. */
  month: string;
  remark: string;
}

export async function changeQuota(userId: string, change: QuotaChange, idempotencyKey: string): Promise<unknown> {
  const { deed, quotaType, month, remark } = change;
  const amount = amountField(change.amount);
  const sending = { path: { userId }, idempotencyKey };
  if (deed === "monthly") return send("put", `${QUOTA_PATH}/monthly`, { ...sending, body: { quotaType, amount } });
  if (deed === "grant") return send("post", `${QUOTA_PATH}/grant`, { ...sending, body: { quotaType, amount, description: remark } });
  return send("post", `${QUOTA_PATH}/adjust`, { ...sending, body: { quotaType, amount, remark, month: month || null } });
}

export async function grantToAll({ tokens, images }: Batch, description: string, idempotencyKey: string): Promise<BatchOutcome> {
  const body = { textTokenPerUser: amountField(tokens), imageCountPerUser: amountField(images), description };
  return send("post", BATCH_PATH, { body, idempotencyKey });
}

export async function setEnforcement(enabled: boolean): Promise<EnforcementOutcome> {
  return send("post", ENFORCEMENT_PATH, { body: { enabled } });
}
