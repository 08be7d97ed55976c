import { defaultServerConditions } from "vite"
import { defineConfig } from "vitest/config"

// Tests and documentation name the package as users do; this condition of package.json leads to the sources.
const conditions = ["rescind-source", ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    typecheck: { include: ["test/**/*.types.test-d.ts"], checker: "tsc" },
    // A process a file: tests send signals, count handles and change process-wide references.
    pool: "forks",
    // For what hangs. It is no measure of speed: a loaded machine needs ten seconds to start a server.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Each concurrent test starts a process.
    maxConcurrency: 2
  }
})
