/** The console's pages: each folder below `views/` brings its own `route.ts`, and nothing else has to know of it. */
import type { Component } from "vue";
import type { RouteRecordRaw } from "vue-router";
import { sectionName } from "./i18n";
import type { Role } from "./session";

export interface View {
  /** Below `/console`. */
  path: string;
  /** The view component's name, as the guide has it. */
  name: string;
  load: () => Promise<Component>;
  /** Where it stands in the navigation: by itself, in the guide's group, or below it. */
  group: "overview" | "billing" | "operations";
  order: number;
  icon: Component;
  roles: readonly Role[];
}

export interface ListedView extends View {
  /** The name of its messages; `title` is among them. */
  section: string;
}

/** What a `route.ts` exports. */
export function defineView(view: View): View {
  return view;
}

const found = import.meta.glob<View>("./views/*/route.ts", { eager: true, import: "default" });

export const VIEWS: readonly ListedView[] = Object.entries(found)
  .map(([file, view]) => ({ ...view, section: sectionName(file) }))
  .sort((one, other) => one.order - other.order);

export function routeOf(view: ListedView): RouteRecordRaw {
  return {
    path: view.path,
    name: view.name,
    component: view.load,
    meta: { title: `${view.section}.title`, roles: view.roles },
  };
}

/** What somebody of a role is shown in the navigation. */
export function viewsFor(role: Role, group: View["group"]): ListedView[] {
  return VIEWS.filter((view) => view.group === group && view.roles.includes(role));
}
