import { TrendCharts } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/billing/costs",
  name: "CostStatisticsView",
  load: () => import("./CostStatisticsView.vue"),
  group: "billing",
  order: 2,
  icon: TrendCharts,
  roles: ["admin", "billing_viewer", "user"],
});
