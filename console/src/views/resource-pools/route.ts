import { Wallet } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/billing/pools",
  name: "ResourcePoolManagement",
  load: () => import("./ResourcePoolManagement.vue"),
  group: "billing",
  order: 3,
  icon: Wallet,
  roles: ["admin", "billing_viewer"],
});
