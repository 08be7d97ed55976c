/**
 * The run: a working copy and a test process for each worker; first the tests as they are, which must be green, then one
 * mutant at a time in whichever copy is free.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { Mutant, MutantList } from "../Mutant.ts"
import { apply } from "./apply.ts"
import { TestProcess } from "./TestProcess.ts"
import { type FileRun, judge, type Result, type Verdict } from "./Verdict.ts"
import { workingCopy } from "./workingCopy.ts"

export interface Options {
  /** The working tree. It is only read. */
  readonly root: string
  readonly lists: ReadonlyArray<MutantList>
  readonly workers: number
  /** Milliseconds that a test may take at least; where one takes long unmutated, more. */
  readonly timeout: number
  /** Called in the order of the ends. */
  readonly onResult?: ((result: Result) => void) | undefined
}

/** The tests fail without any mutant: nothing can be said. */
export class NotGreen extends Data.TaggedError("NotGreen")<{ readonly failures: ReadonlyArray<string> }> {
  override get message(): string {
    return ["These tests fail without any mutant; mend them first:", ...this.failures].join("\n  ")
  }
}

/** Results in the order of the lists. */
export const runMutants: (options: Options) => Effect.Effect<ReadonlyArray<Result>, NotGreen> = Effect.fnUntraced(
  function* (options: Options) {
    const wanted = options.lists.flatMap(({ topic, mutants }) => mutants.map((mutant) => ({ topic, mutant })))
    const benches = yield* Effect.forEach(
      Array.from({ length: Math.min(options.workers, wanted.length) }),
      () =>
        Effect.gen(function* () {
          const copy = yield* workingCopy(options.root)
          return { copy, tests: yield* TestProcess.make(copy) }
        }),
      { concurrency: "unbounded" }
    )
    const usual = yield* runUnmutated(benches, [...new Set(wanted.flatMap(({ mutant }) => mutant.tests))])
    return yield* share(benches, wanted, ({ topic, mutant }, bench) =>
      Effect.gen(function* () {
        const from = performance.now()
        const verdict = yield* runOne(bench, mutant, (test) => boundsOf(usual.get(test)!, options.timeout))
        const result: Result = { topic, mutant, verdict, took: performance.now() - from }
        options.onResult?.(result)
        return result
      })
    )
  },
  Effect.scoped
)

interface Bench {
  readonly copy: string
  readonly tests: TestProcess
}

/** How each test file runs by itself. */
const runUnmutated = Effect.fnUntraced(function* (benches: ReadonlyArray<Bench>, tests: ReadonlyArray<string>) {
  const usual = new Map<string, FileRun>()
  const failures: Array<string> = []
  yield* share(benches, tests, (test, bench) =>
    Effect.gen(function* () {
      const run = yield* bench.tests.run(test, 60_000, 60_000)
      if (Option.isSome(run)) usual.set(test, run.value)
      const verdict = Option.isNone(run) ? tooLong(test) : judge(test, run.value)
      if (verdict !== undefined) failures.push(describe(test, verdict))
    })
  )
  if (failures.length > 0) return yield* new NotGreen({ failures })
  return usual
})

const runOne = (bench: Bench, mutant: Mutant, bounds: (test: string) => Bounds): Effect.Effect<Verdict> =>
  Effect.gen(function* () {
    const file = path.join(bench.copy, mutant.file)
    const source = yield* Effect.promise((signal) =>
      fs.readFile(file, { encoding: "utf8", signal }).catch(() => undefined)
    )
    if (source === undefined) return { _tag: "DoesNotApply", why: `there is no ${mutant.file}` }
    const applied = apply(mutant, source)
    if (applied._tag !== "Applied") return applied
    const write = (text: string): Effect.Effect<void> =>
      // oxlint-disable-next-line rescind/pass-the-signal -- a torn file would be worse
      Effect.promise(() => fs.writeFile(file, text)).pipe(
        Effect.tap(() => Effect.sync(() => bench.tests.touch(mutant.file)))
      )
    return yield* Effect.acquireUseRelease(
      write(applied.source),
      () => firstNotice(bench.tests, mutant.tests, bounds),
      () => write(source)
    )
  })

const firstNotice = Effect.fnUntraced(function* (
  process: TestProcess,
  tests: ReadonlyArray<string>,
  bounds: (test: string) => Bounds
) {
  for (const test of tests) {
    const { timeout, usual } = bounds(test)
    const run = yield* process.run(test, timeout, usual)
    const verdict = Option.isNone(run) ? tooLong(test) : judge(test, run.value)
    if (verdict !== undefined) return verdict
  }
  return { _tag: "Survived" } satisfies Verdict
})

/** In milliseconds. */
interface Bounds {
  readonly timeout: number
  readonly usual: number
}

const boundsOf = (run: FileRun, timeout: number): Bounds => ({
  timeout: Math.max(timeout, 5 * run.longest),
  usual: run.took
})

const tooLong = (test: string): Verdict => ({
  _tag: "Hung",
  test,
  title: "the whole file",
  message: "did not end and was killed"
})

const describe = (test: string, verdict: Verdict): string =>
  "message" in verdict ? `${test} › ${verdict.title}: ${verdict.message}` : `${test}: ${JSON.stringify(verdict)}`

/** Each bench takes the next item when it is free. */
const share = <A, B>(
  benches: ReadonlyArray<Bench>,
  items: ReadonlyArray<A>,
  work: (item: A, bench: Bench) => Effect.Effect<B>
): Effect.Effect<ReadonlyArray<B>> => {
  const free = [...benches]
  return Effect.forEach(
    items,
    (item) =>
      Effect.acquireUseRelease(
        Effect.sync(() => free.pop()!),
        (bench) => work(item, bench),
        (bench) => Effect.sync(() => free.push(bench))
      ),
    { concurrency: benches.length }
  )
}
