/** The kinds of what can be done; one that is not known here is shown as the server wrote it. */
export const ACTIONS = [
  "user_created",
  "user_changed",
  "key_created",
  "key_changed",
  "key_rotated",
  "key_revoked",
  "administrator_created",
  "administrator_changed",
  "administrator_disabled",
  "logged_in",
  "logged_out",
  "logins_failed",
  "prices_added",
  "pool_set",
  "pool_recharged",
  "account_adjusted",
  "call_refunded",
  "call_repriced",
  "quota_granted",
  "quotas_granted",
  "recurring_grant_set",
  "quota_currency_set",
  "key_budget_set",
  "quota_enforcement_set",
  "exchange_rate_added",
  "model_switched",
  "alert_resolved",
  "parts_begun",
  "parts_expired",
] as const;

export function actionKey(action: string): string {
  return ACTIONS.some((known) => known === action) ? `auditLog.actionNames.${action}` : action;
}
