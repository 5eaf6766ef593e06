import { Cpu } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/billing/models",
  name: "ModelsManagement",
  load: () => import("./ModelsManagement.vue"),
  group: "billing",
  order: 5,
  icon: Cpu,
  roles: ["admin", "billing_viewer"],
});
