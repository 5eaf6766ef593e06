import { Tickets } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/billing/usage",
  name: "UsageRecordsView",
  load: () => import("./UsageRecordsView.vue"),
  group: "billing",
  order: 1,
  icon: Tickets,
  roles: ["admin", "billing_viewer", "user"],
});
