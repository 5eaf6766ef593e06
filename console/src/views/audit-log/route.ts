import { Document } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/audit",
  name: "AuditLogView",
  load: () => import("./AuditLogView.vue"),
  group: "operations",
  order: 3,
  icon: Document,
  roles: ["admin"],
});
