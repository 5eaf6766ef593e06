import "element-plus/theme-chalk/dark/css-vars.css";
import "./styles/page.css";
import "./styles/shell.css";
import "./styles/table.css";
import { createApp } from "vue";
import App from "./App.vue";
import { currentLanguage, i18n, setLanguage } from "./i18n";
import { router } from "./router";

setLanguage(currentLanguage());
createApp(App).use(i18n).use(router).mount("#console");
