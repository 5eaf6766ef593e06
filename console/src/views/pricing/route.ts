import { PriceTag } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/billing/pricing",
  name: "PricingManagement",
  load: () => import("./PricingManagement.vue"),
  group: "billing",
  order: 6,
  icon: PriceTag,
  roles: ["admin", "billing_viewer"],
});
