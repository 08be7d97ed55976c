/**
 * What the documentation shows, compiles and runs (STYLE habit 12): each ```ts fence of README.md and docs/ becomes a
 * program of its own under .tmp/docs, where `rescind/…` leads to the sources. A ```text fence right after one is
 * what it prints. A fence of tests (it imports `rescind/testing/vitest`) is run by a vitest of its own: its tests pass, or
 * fail with the message that the ```text fence shows, where a line of "…" stands for lines that do not matter. A fence that needs a server or a browser is marked in another language (`typescript`, `sh`).
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
  readonly isTest: boolean
}

const pages = ["README.md", ...fs.globSync("docs/**/*.md", { cwd: root })].filter((page) =>
  fs.existsSync(path.join(root, page))
)

const fencesOf = (page: string): ReadonlyArray<Fence> => {
  const text = fs.readFileSync(path.join(root, page), "utf8")
  return [...text.matchAll(/^```ts\n(.*?)^```\n(?:\s*^```text\n(.*?)^```$)?/gms)].map((match) => {
    const line = text.slice(0, match.index).split("\n").length
    const isTest = match[1]!.includes('from "rescind/testing/vitest"')
    return {
      place: `${page}:${line}`,
      file: path.join(folder, `${page.replaceAll(/[^\w]/g, "-")}-${line}${isTest ? ".test" : ""}.ts`),
      code: match[1]!,
      printed: match[2],
      isTest
    }
  })
}
const fences = pages.flatMap(fencesOf)
const programs = fences.filter(({ isTest }) => !isTest)
const tests = fences.filter(({ isTest }) => isTest)

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

const typeErrorsOf = ({ file }: Fence): ReadonlyArray<string> =>
  typeErrors.split("\n").filter((line) => line.startsWith(path.basename(file)))

/** What vitest reports of each fence of tests. */
const reports = new Map<string, TestReport>()
interface TestReport {
  readonly name: string
  readonly message: string
  readonly assertionResults: ReadonlyArray<{ readonly status: string; readonly failureMessages: ReadonlyArray<string> }>
}

beforeAll(async () => {
  const config = path.join(root, "test/docs/fences.config.ts")
  const json = path.join(folder, "report.json")
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs")
  const args = [vitest, "run", "--config", config, "--reporter=json", `--outputFile=${json}`]
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, NO_COLOR: "1" } })
  await new Promise((resolve) => child.on("close", resolve))
  const { testResults } = JSON.parse(fs.readFileSync(json, "utf8")) as { testResults: ReadonlyArray<TestReport> }
  for (const report of testResults) reports.set(path.resolve(report.name), report)
}, 120_000)

/** Without stacks, and with the name that the reader's file has. */
const failuresOf = ({ assertionResults }: TestReport): string =>
  assertionResults
    .flatMap(({ failureMessages }) => failureMessages)
    .flatMap((message) => message.split("\n").filter((line) => !/^\s+at /.test(line)))
    .map((line) => `${line.replaceAll(/\.tmp\/docs\/[\w-]+\.test\.ts/g, "your.test.ts")}\n`)
    .join("")

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")

/** The page's text, in which a line of "…" stands for any lines, and a number for any number: points move with the kit. */
const asPattern = (printed: string): RegExp => {
  const lines = printed.split("\n").slice(0, -1)
  const patterns = lines.map((line) =>
    line.trim() === "…" ? "(?:.*\\n)*" : `${escaped(line).replaceAll(/\d+/g, "\\d+")}\\n`
  )
  return new RegExp(`^${patterns.join("")}$`)
}

describe.concurrent("documentation", () => {
  it("has pages to read", () => {
    expect(pages).toContain("README.md")
  })

  // Programs of a page run on the real clock, and their margins are a reader's, not those of a machine under load.
  it.each(programs)("$place compiles, runs and prints what the page says", { retry: 2 }, async (fence) => {
    expect(typeErrorsOf(fence)).toEqual([])
    const { code, stdout, stderr } = await run(fence.file)
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout: fence.printed ?? stdout })
  })

  it.each(tests)("$place compiles, and its tests pass or fail as the page says", (fence) => {
    expect(typeErrorsOf(fence)).toEqual([])
    const report = reports.get(fence.file)!
    expect({ problem: report.message, tests: report.assertionResults.length }).toEqual({ problem: "", tests: 1 })
    expect(failuresOf(report)).toMatch(asPattern(fence.printed ?? ""))
  })

  it("has no type error outside the fences", () => {
    const names = new Set(fences.map((fence) => path.basename(fence.file)))
    expect(typeErrors.split("\n").filter((line) => line !== "" && !names.has(line.split("(")[0]!))).toEqual([])
  })
})
