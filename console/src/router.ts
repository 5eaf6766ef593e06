/** Where the address leads; whoever is not logged in is led to the login page and back. */
import { createRouter, createWebHistory } from "vue-router";
import { sessionListeners } from "./api/client";
import { i18n } from "./i18n";
import { loadSession, session, type Role } from "./session";
import { routeOf, VIEWS, viewsFor } from "./views";

declare module "vue-router" {
  interface RouteMeta {
    /** The key of its title. */
    title?: string;
    roles?: readonly Role[];
    isOpen?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory("/console/"),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: "/login", name: "login", component: () => import("./shell/LoginPage.vue"), meta: { isOpen: true, title: "shell.logIn" } },
    {
      path: "/",
      component: () => import("./shell/ConsoleLayout.vue"),
      children: [
        { path: "", name: "home", redirect: () => homePath() },
        ...VIEWS.map(routeOf),
        { path: ":rest(.*)*", name: "missing", component: () => import("./shell/MissingPage.vue"), meta: { title: "shell.missing" } },
      ],
    },
  ],
});

/** The first page that somebody of this role may see. */
function homePath(): string {
  const role = session.value?.role ?? "admin";
  const first = (["overview", "billing", "operations"] as const).flatMap((group) => viewsFor(role, group))[0];
  return first?.path ?? "/login";
}

router.beforeEach(async (to) => {
  if (to.meta.isOpen) return true;
  if (session.value === undefined) await loadSession();
  if (!session.value) return { name: "login", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
  return true;
});

router.afterEach((to) => {
  const title = to.meta.title ? `${i18n.global.t(to.meta.title)} · ` : "";
  document.title = `${title}Smart AI Router`;
});

sessionListeners.add(() => {
  if (!session.value) return;
  session.value = null;
  const { name, fullPath } = router.currentRoute.value;
  if (name !== "login") void router.replace({ name: "login", query: { next: fullPath, ended: "1" } });
});
