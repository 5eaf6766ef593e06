/** Models by provider, narrowed to what is asked for. */
import type { Model, ModelFilter, Offer, Provider } from "./useModels";

export const STATUSES = ["enabled", "disabled", "no_money"] as const;

export interface ModelGroup {
  provider: Provider;
  /** All of its models are off by hand, as one switch. */
  isOff: boolean;
  models: Model[];
}

/** Providers in the server's order; one without a model that is asked for is left out. */
export function groupModels({ providers, models }: Offer, filters: Readonly<Record<ModelFilter, string>>): ModelGroup[] {
  return providers
    .map((provider) => {
      const own = models.filter((model) => model.providerId === provider.id);
      return { provider, isOff: isSwitchedOff(provider, own), models: own.filter((model) => isAskedFor(model, filters)) };
    })
    .filter((group) => group.models.length > 0);
}

/** How many models there are in each state. */
export function countByStatus(models: readonly Model[]): Record<(typeof STATUSES)[number], number> {
  const counts = { enabled: 0, disabled: 0, no_money: 0 };
  for (const model of models) counts[STATUSES.find((status) => status === model.status) ?? "disabled"] += 1;
  return counts;
}

/** What can be done by hand: what money or the configuration has switched off does not come back by hand. */
export function switchOf(model: Model, isProviderOff: boolean): "disable" | "enable" | null {
  if (isProviderOff || model.disabledCause === "configuration") return null;
  return model.disabledCause === "hand" ? "enable" : "disable";
}

/** A provider that is off by hand takes all of its models along. */
function isSwitchedOff(provider: Provider, models: readonly Model[]): boolean {
  return !provider.enabled && models.length > 0 && models.every((model) => model.disabledCause === "hand");
}

function isAskedFor(model: Model, { providerId, status, name }: Readonly<Record<ModelFilter, string>>): boolean {
  return (
    (providerId === "" || model.providerId === providerId) &&
    (status === "" || model.status === status) &&
    model.modelName.toLowerCase().includes(name.toLowerCase())
  );
}
