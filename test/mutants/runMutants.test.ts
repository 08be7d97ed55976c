/**
 * The runner of `npm run mutants`, on a project of one source and one test file: it must know a kill from a hang, from a
 * survivor and from a mutant that says nothing. A real test process in real time, so all verdicts come from one run.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { beforeAll, onTestFinished } from "vitest"
import type { Mutant } from "../../mutants/Mutant.ts"
import { runMutants } from "../../mutants/runner/runMutants.ts"

const source = `import { step } from "./step.ts"
export const count = (to: number): number => {
  let n = 0
  while (n < to) n += step
  return n
}
export const later = (): Promise<number> => Promise.resolve(1)
`

const tests = `import { expect, it } from "vitest"
import { count, later } from "../src/count.ts"
it("counts", () => expect(count(3)).toBe(3))
it("answers later", async () => expect(await later()).toBe(1))
`

const temporary = (): string => fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "rescind-mutants-test-")))

const project = (files: Record<string, string>): string => {
  const root = temporary()
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    fs.writeFileSync(path.join(root, name), text)
  }
  fs.symlinkSync(path.resolve(import.meta.dirname, "../../node_modules"), path.join(root, "node_modules"), "dir")
  return root
}

const green = {
  "package.json": `{ "type": "module" }`,
  "src/count.ts": source,
  "src/step.ts": "export const step: number = 1\n",
  "test/other.test.ts": `import { expect, it } from "vitest"\nit("looks away", () => expect(1).toBe(1))\n`,
  "test/count.test.ts": tests
}

const mutant = (name: string, find: string, replace: string, also: Partial<Mutant> = {}): Mutant => ({
  name,
  law: "K1",
  file: "src/count.ts",
  find,
  replace,
  tests: ["test/count.test.ts"],
  ...also
})

const copies = (): ReadonlyArray<string> =>
  fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("rescind-mutants-") && !name.includes("-test-"))

const run = (root: string, mutants: ReadonlyArray<Mutant>) =>
  runMutants({ root, lists: [{ topic: "fixture", mutants }], workers: 1, timeout: 400 })

describe("runMutants", () => {
  // Copies of this test go where nobody else has any.
  beforeAll(() => {
    const own = temporary()
    process.env["TMPDIR"] = own
    return () => fs.rmSync(own, { recursive: true, force: true })
  })

  it.live("tells killed, survived, broken, hung and not applied apart, in real time", () =>
    Effect.gen(function* () {
      const root = project(green)
      const results = yield* run(root, [
        mutant("noticed by the second file", "n += step", "n += 2 * step", {
          tests: ["test/other.test.ts", "test/count.test.ts"]
        }),
        mutant("wrong", "let n = 0", "let n = 7"),
        mutant("unnoticed", "export const later", "export const  later"),
        mutant("no syntax", "return n", "return n +"),
        mutant("no such name", "return n", "return m"),
        mutant("not loaded", "./step.ts", "./nowhere.ts"),
        mutant("endless loop", "n += step", "n += 0"),
        mutant("waits for ever", "Promise.resolve(1)", "new Promise(() => {})"),
        mutant("after the hang", "n < to", "n <= to"),
        mutant("in another source", ": number = 1", ": number = 2", { file: "src/step.ts" }),
        mutant("not there", "let m = 0", ""),
        mutant("twice there", "number", "string"),
        mutant("no change", "return n", "return n"),
        mutant("no source", "x", "y", { file: "src/gone.ts" }),
        // The last: whatever was mutated before is restored.
        mutant("unnoticed at the end", "return n", "return (n)")
      ])
      const verdicts = Object.fromEntries(results.map(({ mutant, verdict }) => [mutant.name, verdict]))
      const tags = Object.fromEntries(results.map(({ mutant, verdict }) => [mutant.name, verdict._tag]))
      expect(tags).toEqual({
        wrong: "Killed",
        unnoticed: "Survived",
        "noticed by the second file": "Killed",
        "no syntax": "Broken",
        "no such name": "Broken",
        "not loaded": "Broken",
        "endless loop": "Hung",
        "waits for ever": "Hung",
        "after the hang": "Killed",
        "in another source": "Killed",
        "not there": "DoesNotApply",
        "twice there": "DoesNotApply",
        "no change": "DoesNotApply",
        "no source": "DoesNotApply",
        "unnoticed at the end": "Survived"
      })
      const message: unknown = expect.stringContaining("expected 7 to be 3")
      expect(verdicts["wrong"]).toMatchObject({ test: "test/count.test.ts", title: "counts", message })
      expect(verdicts["not loaded"]).toMatchObject({ why: expect.stringContaining("nowhere.ts") })
      expect(verdicts["twice there"]).toMatchObject({ why: expect.stringContaining("not once") })
      expect(fs.readFileSync(path.join(root, "src/count.ts"), "utf8")).toBe(source)
      expect(copies()).toEqual([])
    })
  )

  it.live("says nothing about mutants while the tests are red without any, in real time", () =>
    Effect.gen(function* () {
      const root = project({ ...green, "test/count.test.ts": tests.replace("toBe(3)", "toBe(4)") })
      const error = yield* Effect.flip(run(root, [mutant("wrong", "let n = 0", "let n = 7")]))
      expect(error.message).toContain("test/count.test.ts › counts: AssertionError")
    })
  )

  it.live("an interrupt ends the test process and removes the copy, in real time", () =>
    Effect.gen(function* () {
      const root = project(green)
      const spin = mutant("endless loop", "n += step", "n += 0")
      const running = yield* Effect.forkChild(
        runMutants({ root, lists: [{ topic: "fixture", mutants: [spin] }], workers: 1, timeout: 60_000 })
      )
      while (copies().length === 0) yield* Effect.sleep(20)
      const mutated = path.join(os.tmpdir(), copies()[0]!, "src/count.ts")
      while (!(fs.existsSync(mutated) && fs.readFileSync(mutated, "utf8").includes("n += 0"))) yield* Effect.sleep(20)
      yield* Fiber.interrupt(running)
      expect(copies()).toEqual([])
    })
  )
})
