import { Postcard } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/billing/quotas",
  name: "UserQuotaManagement",
  load: () => import("./UserQuotaManagement.vue"),
  group: "billing",
  order: 4,
  icon: Postcard,
  roles: ["admin", "billing_viewer", "user"],
});
