import { Bell } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/channels",
  name: "ChannelsAlertsView",
  load: () => import("./ChannelsAlertsView.vue"),
  group: "operations",
  order: 1,
  icon: Bell,
  roles: ["admin"],
});
