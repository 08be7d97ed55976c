/** A script as a page would get it: bundled for browsers, with `rescind/…` from the sources. */
import * as path from "node:path"
import { type OutputChunk, rolldown } from "rolldown"

const root = path.resolve(import.meta.dirname, "../..")

export const browserBundle = async (script: string, format: "esm" | "iife"): Promise<ReadonlyArray<OutputChunk>> => {
  const entry = path.join(root, "entry.js")
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
        load: (id) => (id === entry ? script : undefined)
      }
    ]
  })
  const { output } = await bundle.generate({ format, minify: format === "iife" })
  return output.filter((file) => file.type === "chunk")
}
