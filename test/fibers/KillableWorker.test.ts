/**
 * Threads are real, and so is time: each test waits for what it needs, not for a
 * while. The laws at every step are in KillableWorker.random.test.ts.
 */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { WorkerPlatform } from "effect/workers/Worker"
import { Worker } from "node:worker_threads"
import { vi } from "vitest"
import * as CancelPolicy from "../../src/fibers/CancelPolicy.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import * as KillableWorker from "../../src/fibers/KillableWorker.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import type primes from "./scripts/primes.ts"
import { eventually, liveLeakChecked } from "../support/liveLeaks.ts"

// A loaded machine is slow, not wrong.
vi.setConfig({ testTimeout: 30_000 })

const script = (code: string): URL => new URL(`data:text/javascript,${encodeURIComponent(code)}`)
const frozen = `const { parentPort } = require("node:worker_threads")
  parentPort.postMessage([0]); parentPort.postMessage([1, "up"])
  setTimeout(() => { while (true) {} })`
const spin = script(`export default (_, context) => { context.send("up"); while (true) {} }`)

/** The script as a task of a supervising nursery; `up` completes when it has sent its first message. */
const started = (options: Partial<KillableWorker.Options<unknown>> & { readonly script: URL }) =>
  Effect.gen(function* () {
    const nursery = yield* Nursery.make<KillableWorker.WorkerFailed>()
    const up = yield* Deferred.make<unknown>()
    const received: Array<unknown> = []
    const task = yield* nursery.spawn(
      "script",
      KillableWorker.run({
        input: undefined,
        ...options,
        onMessage: (value) => {
          received.push(value)
          return Deferred.succeed(up, value)
        }
      })
    )
    return { task, up: Deferred.await(up), received }
  })

const failureOf = (options: Partial<KillableWorker.Options<unknown>> & { readonly script: URL }) =>
  Effect.flip(KillableWorker.run({ input: undefined, ...options }))

const millisOf = (result: CancelResult): number =>
  "took" in result ? Duration.toMillis(result.took) : expect.fail(`${result._tag} took no time`)

const ann = CancelReason.request({ by: "ann", message: "not needed" })

describe("KillableWorker, in real time", () => {
  it.live("returns what the script returns, by structured clone, typed by the script", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const counted = yield* KillableWorker.run<typeof primes>({
          script: new URL("scripts/primes.ts", import.meta.url),
          input: { below: 100 }
        })
        expect(counted).toEqual({ below: 100, found: 25 })
        const echo = script("export default async (input) => new Map([...input, [3, new Date(0)]])")
        const input = new Map([[1, new Set([2n])]])
        expect(yield* KillableWorker.run({ script: echo, input })).toEqual(
          new Map<number, unknown>([...input, [3, new Date(0)]])
        )
      })
    )
  )

  it.live("a schema checks the result", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const half = script("export default (input) => ({ half: input / 2 })")
        const schema = Schema.Struct({ half: Schema.Int })
        expect((yield* KillableWorker.run({ script: half, input: 4, schema })).half).toBe(2)
        expect((yield* Effect.flip(KillableWorker.run({ script: half, input: 3, schema })))._tag).toBe("SchemaError")
      })
    )
  )

  it.live("S3x-08: while (true) is terminated within its budget, far below half a second", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const { task, up } = yield* started({ script: spin, budget: "100 millis" })
        yield* up
        const result = yield* Task.cancel(task, { reason: ann })
        expect(result).toMatchObject({ _tag: "Cancelled", how: "interrupted", reason: { by: "ann" } })
        expect(millisOf(result)).toBeGreaterThanOrEqual(99)
        expect(millisOf(result)).toBeLessThan(500)
      })
    )
  )

  it.effect("native: Effect's own worker gives it five seconds, whatever the caller wants, and does not say why", () =>
    Effect.gen(function* () {
      const platform = yield* WorkerPlatform
      const worker = yield* platform.spawn(0)
      const up = yield* Deferred.make<unknown>()
      const running = yield* Effect.forkChild(worker.run((value) => Deferred.succeed(up, value)))
      yield* Deferred.await(up)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(running), { startImmediately: true })
      yield* TestClock.adjust("4999 millis")
      expect(interrupting.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(interrupting)
    }).pipe(Effect.provide(NodeWorker.layer(() => new Worker(frozen, { eval: true }))))
  )

  it.live("K42: a script that polls is told why, and its late value stands in salvaged", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const polls = script(
          `export default (_, context) => { context.send("up"); while (!context.cancelRequested()) {} return context.reason }`
        )
        const { task, up } = yield* started({ script: polls, budget: "10 seconds" })
        yield* up
        const result = yield* Task.cancel(task, { reason: ann })
        expect(millisOf(result)).toBeLessThan(5000)
        const outcome = yield* Task.await(task)
        expect(outcome._tag).toBe("Cancelled")
        expect(outcome.salvaged).toMatchObject([
          { scope: "worker", value: { source: "request", by: "ann", message: "not needed", scope: "script" } }
        ])
        const decoded = Schema.decodeUnknownSync(CancelReason.Wire)(outcome.salvaged[0]!.value)
        expect(decoded).toEqual((outcome as { readonly reason: unknown }).reason)
      })
    )
  )

  it.live("K16: what a script throws while it is stopped is kept with the failures of clean-up", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const fails = script(
          `export default (_, context) => { context.send("up"); context.pause(60_000); throw new RangeError("disk full") }`
        )
        const { task, up } = yield* started({ script: fails, budget: "10 seconds" })
        yield* up
        yield* Task.cancel(task, { reason: ann })
        const { cleanupFailures } = yield* Task.await(task)
        expect(cleanupFailures.map(({ cause }) => Cause.squash(cause))).toMatchObject([
          { _tag: "WorkerFailed", problem: "threw", cause: { name: "RangeError", message: "disk full" } }
        ])
      }).pipe(Effect.provideService(Logger.CurrentLoggers, new Set()))
    )
  )

  it.live("code that waits is told by its signal, code that blocks by pause", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const waits = `new Promise((resolve) => context.signal.addEventListener("abort", () => resolve(context.signal.reason.reason.by)))`
        const pauses = `(context.pause(60_000) ? context.reason.by : "not told")`
        for (const way of [waits, pauses]) {
          const source = script(`export default (_, context) => { context.send("up"); return ${way} }`)
          const { task, up } = yield* started({ script: source, budget: "10 seconds" })
          yield* up
          yield* Task.cancel(task, { reason: ann })
          expect((yield* Task.await(task)).salvaged).toEqual([{ scope: "worker", value: "ann" }])
        }
      })
    )
  )

  it.live("S4x-14 graceful: told at the request, a script that returns in the grace has completed", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const nursery = yield* Nursery.make<KillableWorker.WorkerFailed>()
        const up = yield* Deferred.make<unknown>()
        const task = yield* nursery.spawn(
          "primes",
          KillableWorker.run<typeof primes>({
            script: new URL("scripts/primes.ts", import.meta.url),
            input: { below: 2 ** 50 },
            onMessage: (value) => Deferred.succeed(up, value)
          })
        )
        yield* Deferred.await(up)
        const result = yield* Task.cancel(task, { grace: "10 seconds" })
        expect(result).toMatchObject({ _tag: "AlreadyCompleted", duringGrace: true })
        const counted = yield* Task.join(task)
        expect(counted.found).toBeGreaterThan(0)
      })
    )
  )

  it.live(
    "S4x-14 graceful: one that throws the AbortError in the grace, or ends its thread, was cancelled cooperatively",
    () =>
      liveLeakChecked(
        Effect.gen(function* () {
          const throws = "while (true) context.throwIfCancelled()"
          const exits = "while (!context.cancelRequested()) {} process.exit(3)"
          for (const way of [throws, exits]) {
            const { task, up } = yield* started({
              script: script(`export default (_, context) => { context.send("up"); ${way} }`)
            })
            yield* up
            const result = yield* Task.cancel(task, { grace: "10 seconds" })
            expect(result).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
          }
        })
      )
  )

  it.live("S4x-14 hard: when the grace ends after the budget, the thread is terminated at once", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const { task, up } = yield* started({ script: spin, budget: "100 millis" })
        yield* up
        const result = yield* Task.cancel(task, { grace: "200 millis" })
        expect(result).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
        expect(millisOf(result)).toBeGreaterThanOrEqual(199)
        expect(millisOf(result)).toBeLessThan(700)
      })
    )
  )

  it.live("a genuine failure in the grace stays a failure", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const fails = script(
          `export default (_, context) => { context.send("up"); context.pause(60_000); throw new RangeError("disk full") }`
        )
        const { task, up } = yield* started({ script: fails })
        yield* up
        expect(yield* Task.cancel(task, { grace: "10 seconds" })).toMatchObject({
          _tag: "AlreadyFailed",
          duringGrace: true
        })
      })
    )
  )

  it.live(
    "K10: cancelled before its start no thread is made; cancelled while the thread starts, the script never runs",
    () =>
      liveLeakChecked(
        Effect.gen(function* () {
          const { task, received } = yield* started({ script: spin })
          expect(yield* Task.cancel(task)).toMatchObject({ _tag: "Cancelled" })
          const early = yield* started({ script: spin, budget: "10 seconds" })
          // The task has had its first step, and waits for its thread.
          yield* Effect.yieldNow
          yield* Effect.yieldNow
          expect(millisOf(yield* Task.cancel(early.task))).toBeLessThan(5000)
          expect([...received, ...early.received]).toEqual([])
        })
      )
  )

  it.live("K8: two cancels at once, and one that is more patient, change nothing", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const { task, up } = yield* started({ script: spin, budget: "50 millis" })
        yield* up
        const results = yield* Effect.all(
          [Task.cancel(task, { reason: ann }), Task.cancel(task), Task.cancel(task, { grace: "1 minute" })],
          { concurrency: "unbounded" }
        )
        expect(results.map((result) => result._tag)).toEqual(["Cancelled", "AlreadyCancelled", "AlreadyCancelled"])
      })
    )
  )

  it.live("K12: a giveUp below the budget lists a straggler until the thread has really ended", () =>
    liveLeakChecked((leaks) =>
      Effect.gen(function* () {
        const { task, up } = yield* started({ script: spin, budget: "300 millis" })
        yield* up
        const result = yield* Task.cancel(task, CancelPolicy.merge)
        expect(result).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
        expect((yield* Stragglers.list).map(({ name }) => name)).toEqual(["script"])
        yield* eventually(
          () => leaks.stragglers.size === 0,
          () => "the straggler ends"
        )
      })
    )
  )

  it.live("what a script does wrong is a typed failure that says what", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const problems = yield* Effect.all({
          missing: failureOf({ script: new URL("file:///no/such/script.js") }),
          noFunction: failureOf({ script: script("export default 5") }),
          throws: failureOf({
            script: script(`export default () => { throw new RangeError("bad", { cause: new TypeError("deeper") }) }`)
          }),
          throwsNoError: failureOf({ script: script("export default () => { throw { code: 7 } }") }),
          throwsLater: failureOf({
            script: script(`export default () => new Promise(() => setTimeout(() => { throw new Error("later") }))`)
          }),
          exits: failureOf({ script: script("export default () => process.exit(7)") }),
          badResult: failureOf({ script: script("export default () => () => {}") }),
          badInput: failureOf({ script: spin, input: () => {} })
        })
        expect(Object.entries(problems).map(([name, { problem }]) => `${name}: ${problem}`)).toEqual([
          "missing: not-started",
          "noFunction: not-started",
          "throws: threw",
          "throwsNoError: threw",
          "throwsLater: exited",
          "exits: exited",
          "badResult: not-cloneable",
          "badInput: not-cloneable"
        ])
        expect(problems.throws.cause).toMatchObject({
          name: "RangeError",
          message: "bad",
          cause: { name: "TypeError" }
        })
        expect(problems.throwsNoError.cause).toEqual({ code: 7 })
        expect(problems.exits.message).toContain("ended with code 7")
        expect(problems.missing.message).toContain("file:///no/such/script.js")
      })
    )
  )

  it.live("what the script sends is handled in order, before the result; a handler that fails ends the thread", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        const counts = script(
          `export default (_, context) => { for (let n = 1; n <= 3; n++) context.send(n); return "end" }`
        )
        const note = (value: unknown) =>
          Effect.andThen(
            Effect.sleep(5),
            Effect.sync(() => seen.push(value))
          )
        seen.push(yield* KillableWorker.run({ script: counts, input: 0, onMessage: note }))
        expect(seen).toEqual([1, 2, 3, "end"])
        const failed = KillableWorker.run({
          script: spin,
          input: 0,
          budget: "50 millis",
          onMessage: () => Effect.fail("enough" as const)
        })
        expect(yield* Effect.flip(failed)).toBe("enough")
      })
    )
  )

  it.live("nothing of a script outlives its result, and nothing that it printed is lost", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const leaves = script(`setInterval(() => {}, 10)
          export default async (_, context) => { await new Promise((go) => setTimeout(go, 10)); context.send("last"); return 1 }`)
        const { received, task } = yield* started({ script: leaves })
        expect(yield* Task.join(task)).toBe(1)
        expect(received).toEqual(["last"])

        let printed = ""
        const written = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
          printed += String(text)
          return true
        })
        const prints = script(`export default () => { for (let n = 1; n <= 200; n++) console.log("line " + n) }`)
        const runs = Array.from({ length: 6 }, () => KillableWorker.run({ script: prints, input: 0 }))
        yield* Effect.ensuring(
          Effect.all(runs, { concurrency: 3 }),
          Effect.sync(() => written.mockRestore())
        )
        expect(printed.split("\n").length).toBe(6 * 200 + 1)
      })
    )
  )

  it.live("a loser of a native race, which nobody cancelled, is told of an interrupt and dies too", () =>
    liveLeakChecked(
      Effect.gen(function* () {
        const up = yield* Deferred.make<unknown>()
        const frozen = KillableWorker.run({
          script: spin,
          input: 0,
          budget: "50 millis",
          onMessage: (value) => Deferred.succeed(up, value)
        })
        expect(yield* Effect.race(frozen, Effect.as(Deferred.await(up), "won"))).toBe("won")
      })
    )
  )

  it.effect("where there are no threads, in a browser say, it fails with what it needs", () =>
    Effect.gen(function* () {
      const host = vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined)
      const failure = yield* Effect.ensuring(
        failureOf({ script: spin }),
        Effect.sync(() => host.mockRestore())
      )
      expect(failure.problem).toBe("not-started")
      expect(failure.message).toContain("Worker threads need Node.js")
    })
  )

  it.effect("a budget that cannot be meant is a defect", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(KillableWorker.run({ script: spin, input: 0, budget: Number.NaN }))
      expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toBeInstanceOf(CancelPolicy.InvalidDuration)
    })
  )
})
