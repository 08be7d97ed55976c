/**
 * Runs test files on request, in a process of its own: the working directory is the copy whose sources are mutated.
 * One vitest serves all requests, so that only what has changed is compiled again; each test file still gets a fresh
 * process from vitest's own pool, so nothing of one run is left for the next.
 */
import * as path from "node:path"
import { createVitest, type SerializedError, type TestModule } from "vitest/node"
import type { Failure, FileRun } from "./Verdict.ts"

/** One request. Paths are relative to the copy. */
export interface Ask {
  readonly test: string
  /** Sources that were written since the last request. */
  readonly changed: ReadonlyArray<string>
  /** For each test that does not name its own, in milliseconds; a hook, and what a test that timed out leaves, has a quarter. */
  readonly timeout: number
}

/** Loaded: the tests of the file begin now. */
export type Told = { readonly _tag: "Loaded" } | { readonly _tag: "Ran"; readonly run: FileRun }

const root = process.cwd()
const tell = (told: Told): void => void process.send!(told)

const vitest = await createVitest(
  "test",
  {
    root,
    watch: false,
    bail: 1,
    cache: false,
    reporters: [{ onTestModuleStart: () => tell({ _tag: "Loaded" }) }],
    pool: "forks",
    fileParallelism: false,
    typecheck: { enabled: false }
  },
  { cacheDir: path.join(root, ".mutants-cache") }
)

const failureOf = (error: SerializedError | undefined): Failure => ({
  name: error?.name ?? "Error",
  message: error?.message ?? "no message"
})

const firstFailed = (module: TestModule): FileRun["failed"] => {
  for (const test of module.children.allTests("failed")) {
    return { title: test.fullName, error: failureOf(test.result().errors?.[0]) }
  }
  // A hook that failed fails its suite; tests of it did not run.
  for (const suite of module.children.allSuites()) {
    const error = suite.errors()[0]
    if (error !== undefined) return { title: suite.fullName, error: failureOf(error) }
  }
  return undefined
}

const run = async ({ test, changed, timeout }: Ask): Promise<FileRun> => {
  for (const file of changed) vitest.invalidateFile(path.join(root, file))
  const project = vitest.projects[0]!
  Object.assign(project.config, { testTimeout: timeout, hookTimeout: timeout / 4 })
  const specification = project.createSpecification(path.join(root, test))
  const before = specification.testModule
  const { unhandledErrors } = await vitest.runTestSpecifications([specification])
  const after = specification.testModule
  // What the run answers are the modules of all runs so far: one that was not run again is of an earlier mutant.
  const module = after === before ? undefined : after
  const notLoaded = module?.errors()[0]
  const tests = module === undefined ? [] : [...module.children.allTests()]
  return {
    tests: tests.length,
    longest: Math.max(0, ...tests.map((test) => test.diagnostic()?.duration ?? 0)),
    took: module?.diagnostic().duration ?? 0,
    failed: module && firstFailed(module),
    notLoaded: notLoaded && failureOf(notLoaded),
    unhandled: unhandledErrors.length === 0 ? undefined : failureOf(unhandledErrors[0] as SerializedError)
  }
}

process.on("message", (ask: Ask) => {
  run(ask).then(
    (told) => tell({ _tag: "Ran", run: told }),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    }
  )
})
process.on("disconnect", () => process.exit())
