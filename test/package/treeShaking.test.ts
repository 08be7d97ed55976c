/**
 * Whoever takes one name pays for one name: a bundle of `CancelReason` alone holds no race, and neither our
 * HTTP layer nor Effect's. What breaks this is a top-level call without a pure mark, or an import of a barrel.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { rolldown } from "rolldown"
import { describe, expect, it } from "vitest"

const root = path.resolve(import.meta.dirname, "../..")

/** The modules of which code is left in a bundle of `code`, relative to the repository. */
const modulesOf = async (code: string): Promise<ReadonlyArray<string>> => {
  const entry = path.join(root, "entry.ts")
  const bundle = await rolldown({
    input: entry,
    platform: "node",
    resolve: { conditionNames: ["rescind-source", "import", "node", "default"] },
    plugins: [
      {
        name: "entry that is not on disk",
        resolveId: (source) => (source === entry ? entry : undefined),
        load: (id) => (id === entry ? code : undefined)
      }
    ]
  })
  const { output } = await bundle.generate({ format: "esm" })
  const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? Object.entries(chunk.modules) : []))
  return modules.filter(([, module]) => module.renderedLength > 0).map(([file]) => path.relative(root, file))
}

// Schema itself needs a few of Effect's HTTP value types (Headers, Cookies, UrlParams): not a server's doing.
const upperLayers = /^src\/(combinators|http)\/|platform-node|effect\/dist\/(http-api|http\/Http)/

describe.runIf(fs.existsSync(path.join(root, "src/index.ts")))("tree-shaking", () => {
  it.each(["rescind", "rescind/fibers"])("CancelReason from %s brings nothing of the upper layers", async (from) => {
    const modules = await modulesOf(`import { CancelReason } from "${from}"\nconsole.log(CancelReason)`)
    expect(modules).toContain("src/fibers/CancelReason.ts")
    expect(modules.filter((file) => upperLayers.test(file))).toEqual([])
  })
})
