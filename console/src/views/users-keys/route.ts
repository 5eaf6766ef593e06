import { User } from "@element-plus/icons-vue";
import { defineView } from "@/views";

export default defineView({
  path: "/users",
  name: "UsersKeysView",
  load: () => import("./UsersKeysView.vue"),
  group: "operations",
  order: 2,
  icon: User,
  roles: ["admin"],
});
