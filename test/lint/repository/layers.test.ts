/**
 * The repository's own lint configuration, run over small source trees that break it. One run of oxlint for all of them:
 * it proves that the rules are switched on and says what the reader of the message should do.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const root = path.resolve(import.meta.dirname, "../../..")
const tree = fs.mkdtempSync(path.join(os.tmpdir(), "rescind-lint-"))

const files: Record<string, string> = {
  "tsconfig.json": `{ "extends": "${root}/tsconfig.json", "compilerOptions": { "types": [] }, "include": ["src"] }`,
  "src/index.ts": `export * as Up from "./http/Fine.ts"\nexport * from "./fibers/index.ts"`,
  "src/fibers/index.ts": `export * from "./Fine.ts"`,
  "src/fibers/Fine.ts": `import * as Effect from "effect/Effect"\nexport const one: number = Effect.runSync(Effect.succeed(1))`,
  "src/fibers/Upward.ts": `import { two } from "../combinators/Fine.ts"\nexport const up: number = two`,
  "src/fibers/UpwardType.ts": `import type { Three } from "../http/Fine.ts"\nexport type Up = Three`,
  "src/fibers/UpwardDynamic.ts": `export const later = (): Promise<unknown> => import("../http/Fine.ts")`,
  "src/fibers/Optional.ts": `export { NodeRuntime } from "@effect/platform-node"`,
  "src/fibers/CycleA.ts": `import { b } from "./CycleB.ts"\nexport const a = (): number => b()`,
  "src/fibers/CycleB.ts": `import { a } from "./CycleA.ts"\nexport const b = (): number => a()`,
  "src/combinators/index.ts": `export * from "./Fine.ts"`,
  "src/combinators/Fine.ts": `import { one } from "../fibers/Fine.ts"\nexport const two: number = one + 1`,
  "src/combinators/Barrel.ts": `import { one } from "../fibers/index.ts"\nexport const two: number = one + 1`,
  "src/combinators/EffectBarrel.ts": `import { Effect } from "effect"\nexport const n: number = Effect.runSync(Effect.succeed(1))`,
  "src/combinators/Self.ts": `import { one } from "rescind/fibers"\nexport const two: number = one`,
  "src/http/Fine.ts": `import { two } from "../combinators/Fine.ts"\nexport type Three = 3\nexport const three: number = two + 1`,
  "src/testing/Fine.ts": `import { two } from "../combinators/Fine.ts"\nexport const four: number = two + 2`,
  "src/testing/Upward.ts": `import { three } from "../http/Fine.ts"\nexport const four: number = three + 1`,
  "src/testing/Runner.ts": `export { it } from "vitest"`,
  "src/testing/vitest/Fine.ts": `export { it } from "@effect/vitest"\nexport { expect } from "vitest"`,
  "src/http/Example.ts": `import { five } from "../examples/Fine.ts"\nexport const six: number = five + 1`,
  "src/http/Sdk.ts": `import type { Task } from "@a2a-js/sdk"\nexport type Other = Task`,
  "src/http/Agents.ts": `import { agent } from "./a2a/Fine.ts"\nexport const same: number = agent`,
  "src/http/a2a/Fine.ts": `import { TaskState } from "@a2a-js/sdk"\nimport { three } from "../Fine.ts"\nexport const agent: number = TaskState.UNRECOGNIZED + three`,
  "src/http/Outside.ts": `import { seven } from "../../bench/seven.ts"\nexport const eight: number = seven + 1`,
  "src/examples/Fine.ts": `import { three } from "../http/Fine.ts"\nexport const five: number = three + 2`,
  "src/utils/Nowhere.ts": `export const nowhere: number = 1`,
  "bench/seven.ts": `import { Effect } from "effect"\nexport const seven = Effect.runSync(Effect.succeed(7))`,
  "src/fibers/Async.ts": `export const f = async (): Promise<number> => await Promise.resolve(1)`,
  "src/fibers/Try.ts": `export const f = (g: () => number): number => { try { return g() } finally { g() } }`,
  "src/fibers/Host.ts": `export const f = (): unknown => [fetch("x"), globalThis.setTimeout(() => 1, 1), Date.now(), new Date()]`,
  "src/fibers/HostHandedOn.ts": `export const clock: { now: () => number } = { now: Date.now }`,
  "src/fibers/OwnFetch.ts": `const fetch = (n: number): number => n\nexport const one: number = fetch(1)`,
  "src/fibers/Untyped.ts": `export const f = (n: number) => n`,
  "src/fibers/Floating.ts": `export const f = (p: Promise<number>): void => { p.then((n) => n + 1) }`
}

const rules: Record<string, ReadonlyArray<string>> = {
  "src/fibers/Upward.ts": ["repository(layers)"],
  "src/fibers/UpwardType.ts": ["repository(layers)"],
  "src/fibers/UpwardDynamic.ts": ["repository(layers)"],
  "src/fibers/Optional.ts": ["repository(layers)"],
  "src/fibers/CycleA.ts": ["import(no-cycle)"],
  "src/fibers/CycleB.ts": ["import(no-cycle)"],
  "src/combinators/Barrel.ts": ["repository(layers)"],
  "src/combinators/EffectBarrel.ts": ["repository(layers)"],
  "src/combinators/Self.ts": ["repository(layers)"],
  "src/testing/Upward.ts": ["repository(layers)"],
  "src/testing/Runner.ts": ["repository(layers)"],
  "src/http/Example.ts": ["repository(layers)"],
  "src/http/Sdk.ts": ["repository(layers)"],
  "src/http/Agents.ts": ["repository(layers)"],
  "src/http/Outside.ts": ["repository(layers)"],
  "src/utils/Nowhere.ts": ["repository(layers)"],
  "src/fibers/Async.ts": ["repository(effect-only)", "repository(effect-only)"],
  "src/fibers/Try.ts": ["repository(effect-only)"],
  "src/fibers/Host.ts": Array.from({ length: 4 }, () => "repository(effect-only)"),
  "src/fibers/HostHandedOn.ts": ["repository(effect-only)"],
  "src/fibers/Untyped.ts": ["typescript(explicit-module-boundary-types)"],
  "src/fibers/Floating.ts": ["typescript(no-floating-promises)"]
}

interface Finding {
  readonly code: string
  readonly message: string
  readonly filename: string
}
let findings: ReadonlyArray<Finding> = []

beforeAll(() => {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(tree, name)), { recursive: true })
    fs.writeFileSync(path.join(tree, name), text)
  }
  fs.symlinkSync(path.join(root, "node_modules"), path.join(tree, "node_modules"))
  const oxlint = path.join(root, "node_modules/oxlint/bin/oxlint")
  const run = spawnSync(
    process.execPath,
    [oxlint, "-c", path.join(root, ".oxlintrc.json"), "-f", "json", "src", "bench"],
    {
      cwd: tree,
      encoding: "utf8"
    }
  )
  findings = (JSON.parse(run.stdout) as { diagnostics: ReadonlyArray<Finding> }).diagnostics
}, 60_000)

afterAll(() => fs.rmSync(tree, { recursive: true }))

describe("lint", () => {
  it.each(Object.keys(files))("%s gets exactly the findings it deserves", (file) => {
    expect(findings.filter((finding) => finding.filename === file).map((finding) => finding.code)).toEqual(
      rules[file] ?? []
    )
  })

  it("the message of an upward import shows the layers and the way out", () => {
    const upward = findings.find((finding) => finding.filename === "src/fibers/Upward.ts")
    expect(upward?.message).toMatch(
      /^src\/fibers must not import src\/combinators: imports go one way \(effect <- fibers .*pass it in\.$/
    )
  })
})
