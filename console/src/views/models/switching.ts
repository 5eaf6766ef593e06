/** Switches models off and on by hand, after asking. */
import { ElMessageBox } from "element-plus/es/components/message-box/index";
import { newIdempotencyKey, send } from "@/api/client";
import { confirmed } from "@/components/confirmation";
import { noticeDone, noticeRefused } from "@/components/notices";
import { i18n } from "@/i18n";
import type { Model, Provider } from "./useModels";

const { t } = i18n.global;

/** True when it was done. */
export async function switchModel(model: Model, enabled: boolean): Promise<boolean> {
  return carryOut(model.id, enabled, (body, idempotencyKey) =>
    send("put", "/api/admin/billing/models/{modelId}", { path: { modelId: model.id }, body, idempotencyKey }),
  );
}

/** All models of a provider, also those that come later. True when it was done. */
export async function switchProvider(provider: Provider, enabled: boolean): Promise<boolean> {
  return carryOut(provider.displayName, enabled, (body, idempotencyKey) =>
    send("put", "/api/admin/billing/providers/{providerId}", { path: { providerId: provider.id }, body, idempotencyKey }),
  );
}

interface Switching {
  enabled: boolean;
  reason: string;
}

async function carryOut(name: string, enabled: boolean, put: (body: Switching, key: string) => Promise<unknown>): Promise<boolean> {
  const reason = enabled ? await agreed(name) : await askReason(name);
  if (reason === null) return false;
  try {
    await put({ enabled, reason }, newIdempotencyKey());
  } catch (cause) {
    noticeRefused(cause);
    return false;
  }
  noticeDone(t(enabled ? "models.enabledNow" : "models.disabledNow", { name }));
  return true;
}

async function agreed(name: string): Promise<string | null> {
  return (await confirmed(t("models.enableTitle", { name }), t("models.enableText"), t("models.enable"))) ? "" : null;
}

/** What to tell those who wonder why; null when the user thinks better of it. */
async function askReason(name: string): Promise<string | null> {
  const words = { confirmButtonText: t("models.disable"), cancelButtonText: t("components.cancel"), inputPlaceholder: t("models.reason") };
  return ElMessageBox.prompt(t("models.disableText"), t("models.disableTitle", { name }), { type: "warning", ...words }).then(
    ({ value }) => value ?? "",
    () => null,
  );
}
