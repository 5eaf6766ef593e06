import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import Components from "unplugin-vue-components/vite";
import { defineConfig } from "vite";

const ROUTER = process.env.CONSOLE_ROUTER ?? "http://127.0.0.1:7601"; // where `npm run dev` finds a running router

export default defineConfig({
  base: "/console/",
  plugins: [
    vue(),
    // Only the Element Plus components that a template names, each with its style.
    Components({ dirs: [], dts: "components.d.ts", resolvers: [ElementPlusResolver({ importStyle: "css" })] }),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: { proxy: { "/api": ROUTER, "/v1": ROUTER } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the content policy allows files of our own and nothing written into the page
    chunkSizeWarningLimit: 700,
  },
});
