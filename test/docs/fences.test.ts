/**
 * What the documentation shows, compiles and runs (STYLE habit 12): each ```ts fence of README.md and docs/ becomes a
 * program of its own under .tmp/docs, where `rescind/…` leads to the sources. A ```text fence right after one is
 * what it prints. A fence that needs a server or a browser is marked in another language (`typescript`, `sh`).
 */
import { spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { beforeAll, describe, expect, it } from "vitest"

const root = path.resolve(import.meta.dirname, "../..")
const folder = path.join(root, ".tmp/docs")

interface Fence {
  readonly place: string
  readonly file: string
  readonly code: string
  readonly printed: string | undefined
}

const pages = ["README.md", ...fs.globSync("docs/**/*.md", { cwd: root })].filter((page) =>
  fs.existsSync(path.join(root, page))
)

const fencesOf = (page: string): ReadonlyArray<Fence> => {
  const text = fs.readFileSync(path.join(root, page), "utf8")
  return [...text.matchAll(/^```ts\n(.*?)^```\n(?:\s*^```text\n(.*?)^```$)?/gms)].map((match) => {
    const line = text.slice(0, match.index).split("\n").length
    return {
      place: `${page}:${line}`,
      file: path.join(folder, `${page.replaceAll(/[^\w]/g, "-")}-${line}.ts`),
      code: match[1]!,
      printed: match[2]
    }
  })
}
const fences = pages.flatMap(fencesOf)

let typeErrors = ""
beforeAll(() => {
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(folder, { recursive: true })
  for (const fence of fences) fs.writeFileSync(fence.file, fence.code)
  const tsconfig = { extends: "../../tsconfig.json", include: ["*.ts"] }
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(tsconfig))
  if (fences.length === 0) return
  const tsc = path.join(root, "node_modules/typescript/bin/tsc")
  typeErrors = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    cwd: folder,
    encoding: "utf8"
  }).stdout
}, 120_000)

const run = (file: string): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ["--conditions=rescind-source", file], { cwd: root, timeout: 50_000 })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })

describe.concurrent("documentation", () => {
  it("has pages to read", () => {
    expect(pages).toContain("README.md")
  })

  // Programs of a page run on the real clock, and their margins are a reader's, not those of a machine under load.
  it.each(fences)("$place compiles, runs and prints what the page says", { retry: 2 }, async (fence) => {
    const own = typeErrors.split("\n").filter((line) => line.startsWith(path.basename(fence.file)))
    expect(own).toEqual([])
    const { code, stdout, stderr } = await run(fence.file)
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout: fence.printed ?? stdout })
  })

  it("has no type error outside the fences", () => {
    const names = new Set(fences.map((fence) => path.basename(fence.file)))
    expect(typeErrors.split("\n").filter((line) => line !== "" && !names.has(line.split("(")[0]!))).toEqual([])
  })
})
