import { DataBoard } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/overview",
  name: "OverviewView",
  load: () => import("./OverviewView.vue"),
  group: "overview",
  order: 1,
  icon: DataBoard,
  roles: ["admin", "billing_viewer"],
});
