/** What needs Node looks it up when it is used: a bundle for browsers imports nothing of Node. */
import * as path from "node:path"
import { rolldown } from "rolldown"
import { describe, expect, it } from "vitest"

const root = path.resolve(import.meta.dirname, "../..")

describe("browser", () => {
  it.each(["rescind/fibers", "rescind/combinators", "rescind/http"])(
    "the whole of %s can be bundled for it",
    { timeout: 30_000 },
    async (from) => {
      const entry = path.join(root, "entry.ts")
      const bundle = await rolldown({
        input: entry,
        platform: "browser",
        resolve: { conditionNames: ["rescind-source", "browser", "import", "default"] },
        // What cannot be resolved would only be a warning.
        onLog: (_, log) => {
          if (log.code === "UNRESOLVED_IMPORT") throw new Error(log.message)
        },
        plugins: [
          {
            name: "entry that is not on disk",
            resolveId: (source) => (source === entry ? entry : undefined),
            load: (id) => (id === entry ? `import * as all from "${from}"\nconsole.log(all)` : undefined)
          }
        ]
      })
      const { output } = await bundle.generate({ format: "esm" })
      expect(output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.imports : []))).toEqual([])
    }
  )
})
