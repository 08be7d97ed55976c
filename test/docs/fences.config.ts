/** The vitest that runs the fences of tests. */
import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

const conditions = ["rescind-source", ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: [".tmp/docs/*.test.ts"], pool: "forks", testTimeout: 60_000, maxWorkers: 2 }
})
