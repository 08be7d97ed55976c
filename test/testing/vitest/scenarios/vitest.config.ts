import * as path from "node:path"
import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

const conditions = ["rescind-source", ...defaultServerConditions]

export default defineConfig({
  root: path.resolve(import.meta.dirname, "../../../.."),
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/testing/vitest/scenarios/*.scenario.ts", ".tmp/**/*.scenario.ts"],
    pool: "forks",
    testTimeout: 60_000
  }
})
