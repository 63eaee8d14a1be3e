import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/**
 * What the page may load and do. Griffel (Fluent's styles) and xterm put style elements into the page, hence
 * 'unsafe-inline' for styles only. The server sends the same policy as a header; `index.html` carries it too, so that
 * the built page is safe behind any server.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self' wss:",
  "base-uri 'none'",
  "form-action 'self'",
].join("; ");

export default defineConfig({
  base: "/portal/",
  plugins: [
    react(),
    {
      name: "content-security-policy",
      apply: "build",
      transformIndexHtml: () => [
        { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
      ],
    },
  ],
  build: {
    target: "es2022",
    sourcemap: false,
    // Small assets stay files: the policy allows no data: fonts or scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
  },
});
