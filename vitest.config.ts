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
    maxWorkers: 2
  }
})
