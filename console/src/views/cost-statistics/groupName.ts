/** How a group of costs is called on the page. */
import { usageTypeKey } from "@/components/usageTypes";
import type { CostGroup } from "./useCostStatistics";

export function groupName(group: CostGroup, groupBy: string, t: (key: string) => string): string {
  if (group.key === "(none)") return t("costStatistics.unnamed");
  return groupBy === "usageType" ? t(usageTypeKey(group.key)) : group.name;
}
