import { Setting } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/settings",
  name: "SettingsView",
  load: () => import("./SettingsView.vue"),
  group: "operations",
  order: 4,
  icon: Setting,
  roles: ["admin", "billing_viewer"],
});
