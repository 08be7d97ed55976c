import { execFileSync } from "node:child_process"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import { SingleShotGen } from "effect/Utils"
import { describe, expect, it, vi } from "vitest"
import * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import * as Explore from "../../src/testing/Explore.ts"
import * as Report from "../../src/testing/Report.ts"
import type { Program, Trial } from "../../src/testing/Trial.ts"
import * as diagnosed from "./diagnosed.ts"

const wrong = { items: 2, total: 30 }
const right = { items: 2, total: 31 }
const isRight = ({ outcome }: Trial): void => {
  expect(outcome?._tag === "Completed" ? outcome.value : right).toEqual(right)
}

/** As a user reads it, but for the numbers of runs and points: those belong to the world, not to the message. */
const unnumbered = (report: Report.Report): string =>
  `\n${Report.format(report)}\n`
    .replaceAll(/\d+ (run|point)s?(?= of|,)/g, "N $1s")
    .replaceAll(/(points?) \d+( to \d+)?/g, "$1 N")
    .replaceAll(/\d+ went wrong/g, "N went wrong")
    .replaceAll(/replay: "\d+"/g, 'replay: "N"')
    .replaceAll(/"-\/\d+"/g, '"-/N"')

const told = <A, E>(program: Program<A, E>, options?: CancelEverywhere.Options<A, E>): string =>
  unnumbered(CancelEverywhere.run(program, options))

describe("a failure reads", () => {
  it("a leak: where the cancel struck, and where it was opened", () => {
    expect(told(diagnosed.leak)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      cancelled at points N:
        not-released: "connection" was opened and never closed
        point N: at the end of \`const connection = yield* Ledger.opened("connection")\` at test/testing/diagnosed.ts:11
        "connection" was opened by \`const connection = yield* Ledger.opened("connection")\` at test/testing/diagnosed.ts:11
        journal (virtual ms):
          0 opened connection
          0 cancelled at point N
        replay with { replay: "N" }
      "
    `)
  })

  it("a leak without a generator, in a program that was made before anybody watched", () => {
    expect(told(diagnosed.leakInPipe)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      cancelled at points N:
        not-released: "connection" was opened and never closed
        point N: right before \`Effect.flatMap((connection) => Effect.ensuring(Effect.sleep("10 millis"), Ledger…\` at test/testing/diagnosed.ts:17
        "connection" was opened right before \`Effect.flatMap((connection) => Effect.ensuring(Effect.sleep("10 millis"), Ledger…\` at test/testing/diagnosed.ts:17
        journal (virtual ms):
          0 opened connection
          0 cancelled at point N
        replay with { replay: "N" }
      "
    `)
  })

  it("a swallowed interrupt: what was done after the cancel, and where", () => {
    expect(told(diagnosed.swallow)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      cancelled at points N:
        work-after-cancel: "mail" was done although the program had been cancelled
        point N: before \`Effect.gen(function* () {\` at test/testing/diagnosed.ts:21, which is uninterruptible there
        "mail" was done by \`yield* Ledger.work("mail")\` at test/testing/diagnosed.ts:23
        journal (virtual ms):
          0 cancelled at point N
          0 did mail
        replay with { replay: "N" }
      "
    `)
  })

  it("a deadlock: who waits for what, and where each was forked", () => {
    expect(told(diagnosed.deadlock)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        stuck: Nothing can run any more, but the program has not ended
        not ended:
          the program waits in \`yield* Fiber.join(fiber)\` at test/testing/diagnosed.ts:39
          fiber 2 "takeBoth" (forked at test/testing/diagnosed.ts:37) waits in \`yield* second.take(1)\` at test/testing/diagnosed.ts:30 (Semaphore.takePermits)
          fiber 3 "takeBoth" (forked at test/testing/diagnosed.ts:38) waits in \`yield* second.take(1)\` at test/testing/diagnosed.ts:30 (Semaphore.takePermits)
        replay with { replay: "-" }
      "
    `)
  })

  it("stuck tasks: the tree of that moment", () => {
    expect(told(diagnosed.stuckTasks)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        stuck: Nothing can run any more, but these have not ended: nursery "shop", task "ship"
        not ended:
          the program waits in groupNode.own
          task "program/shop/ship" waits in \`yield* nursery.spawn("ship", Deferred.await(paid))\` at test/testing/diagnosed.ts:47
        the tree then:
          program (task) running for 10 ms
            shop (nursery) running
              ship (task) running for 10 ms
        replay with { replay: "-" }
      "
    `)
  })

  it("a promise: once, not at every point", () => {
    expect(CancelEverywhere.run(diagnosed.promised)).toMatchObject({ runs: 1, failures: { length: 1 } })
    expect(told(diagnosed.promised)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        escaped: the program waits for a promise made by \`return yield* fetchOrder(7)\` at test/testing/diagnosed.ts:56 (Effect.promise):
          the checkers control time and turns, so promises and real timers cannot run here; give the program a fake
        replay with { replay: "-" }
      "
    `)
  })

  it("a real timer", () => {
    expect(told(diagnosed.realTimer)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        escaped: the program waits for setTimeout, called by \`setTimeout(() => resume(Effect.void), 10)\` at test/testing/diagnosed.ts:60:
          the checkers control time and turns, so promises and real timers cannot run here; give the program a fake
        replay with { replay: "-" }
      "
    `)
  })

  it("a promise that only clean-up waits for", () => {
    expect(told(diagnosed.promisedInCleanUp)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      cancelled at points N:
        escaped: the program waits for a promise made by \`Effect.promise(() => Promise.resolve())\` at test/testing/diagnosed.ts:65 (Effect.promise):
          the checkers control time and turns, so promises and real timers cannot run here; give the program a fake
        point N: before Effect.clockWith, near \`export const promisedInCleanUp = Effect.onInterrupt(Effect.sleep("10 millis"), (…\` at test/testing/diagnosed.ts:64
        journal (virtual ms):
          0 cancelled at point N
        replay with { replay: "N" }
      "
    `)
  })

  it("a program that asks the host for chance", () => {
    expect(told(diagnosed.named).replaceAll(/0\.\d+/g, "0.5")).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        not-repeatable: Two runs of the same schedule differ: "0 order 0.5 of today", then "0 order 0.5 of today"
        it asks the host for time or chance; Effect's Clock and Random are the same in every run:
          Math.random in \`const id = Math.random()\` at test/testing/diagnosed.ts:69
          Date.now in \`yield* Ledger.note(\`order \${id} of \${Date.now() > 0 ? "today" : "never"}\`)\` at test/testing/diagnosed.ts:70
        journal (virtual ms):
          0 order 0.5 of today
        replay with { replay: "-" }
      "
    `)
  })

  it("a program that keeps state from run to run", () => {
    expect(told(diagnosed.shared)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        not-repeatable: Two runs of the same schedule differ: N points, then 5
        it keeps state from run to run: give the checker a function that makes a fresh program for each
        replay with { replay: "-" }
      "
    `)
  })

  it("a fiber with a runtime of its own", () => {
    expect(told(diagnosed.runsApart)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel, and cancelled at points N:
        not-released: "log" was opened and never closed
        "log" was opened by \`yield* Ledger.opened("log")\` at test/testing/diagnosed.ts:81
        a fiber was run outside of this world, and goes on unseen and uncounted: \`Effect.runFork(Effect.yieldNow)\` at test/testing/diagnosed.ts:80
        journal (virtual ms):
          0 opened log
        replay with { replay: "-" }
      "
    `)
  })

  it("a program that runs in circles", () => {
    expect(told(diagnosed.endless, { maxSteps: 1_000 })).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        endless: It had not ended after 1001 operations
        not ended:
          the program is in \`while (true) yield* Effect.yieldNow\` at test/testing/diagnosed.ts:85 (Effect.yieldNow)
        replay with { replay: "-" }
      "
    `)
  })

  it("a fiber that outlives the program", () => {
    expect(told(diagnosed.forgotten)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel, and cancelled at points N:
        fiber-left: 1 fiber was still alive when the program had ended
        timer-left: 1 timer was still set when the program had ended
        not ended:
          fiber 2 (forked at test/testing/diagnosed.ts:89) waits in \`yield* Effect.forkDetach(Effect.sleep("1 minute"))\` at test/testing/diagnosed.ts:89 (a sleep of 1m)
        replay with { replay: "-" }
      "
    `)
  })

  it("slow clean-up: which sleeps came after the cancel", () => {
    expect(told(diagnosed.slow, { within: 100 })).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      cancelled at points N:
        slow: It took 2000 ms from the cancel to the end, more than 100 ms
        point N: before Effect.clockWith
        after the cancel: a sleep of 2s in \`yield* Effect.sleep("2 seconds")\` at test/testing/diagnosed.ts:96
        journal (virtual ms):
          0 cancelled at point N
        replay with { replay: "N" }
      "
    `)
  })

  it("what was closed twice: by whom", () => {
    expect(told(diagnosed.closedTwice)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel, and cancelled at points N:
        released-twice: "file" was closed 2 times
        "file" was closed by \`yield* Ledger.closed(file)\` at test/testing/diagnosed.ts:122
        journal (virtual ms):
          0 opened file
          1 closed file
          1 closed file
        replay with { replay: "-" }
      "
    `)
  })

  it("a promise of Effect's own", () => {
    expect(told(diagnosed.runsPromise)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        escaped: the program waits for a fiber of Effect.run* made by \`export const runsPromise = Effect.promise(() => Effect.runPromise(Effect.yieldNo…\` at test/testing/diagnosed.ts:125 (Effect.promise):
          the checkers control time and turns, so promises and real timers cannot run here; give the program a fake
        a fiber was run outside of this world, and goes on unseen and uncounted: \`export const runsPromise = Effect.promise(() => Effect.runPromise(Effect.yieldNo…\` at test/testing/diagnosed.ts:125
        replay with { replay: "-" }
      "
    `)
  })

  it("clean-up that dies: where", () => {
    expect(told(diagnosed.brokenCleanUp)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      cancelled at points N:
        clean-up-failed: Clean-up of "program" failed: Error: the socket was gone
        point N: at the end of \`yield* Effect.addFinalizer(() => Effect.die(new Error("the socket was gone")))\` at test/testing/diagnosed.ts:101
        clean-up threw in \`yield* Effect.addFinalizer(() => Effect.die(new Error("the socket was gone")))\` at test/testing/diagnosed.ts:101
        journal (virtual ms):
          0 cancelled at point N
        replay with { replay: "N" }
      "
    `)
  })

  it("an interleaving: who paused where", () => {
    expect(unnumbered(Explore.run(diagnosed.checkThenAct))).toMatchInlineSnapshot(`
      "
      Explore: N runs of a program with N points, N went wrong

      without a cancel:
        invariant: -1 are free
        fiber 2 "take" paused before \`yield* Effect.sync(() => free--)\` at test/testing/diagnosed.ts:111
        replay with { replay: "-/N" }
      "
    `)
  })
})

/** The kinds and messages of the first failure. */
const found = <A, E>(program: Program<A, E>, options?: CancelEverywhere.Options<A, E>) =>
  CancelEverywhere.run(program, options).failures[0]?.findings.map(({ kind, message }) => `${kind}: ${message}`)

/** What is changed while a failure is watched. */
const changed = (): ReadonlyArray<unknown> => [
  ...[SingleShotGen.prototype, Promise.prototype, Math, Date, performance, process, AbortSignal].flatMap((object) =>
    Object.values(Object.getOwnPropertyDescriptors(object)).map(({ value }) => value as unknown)
  ),
  setTimeout,
  setInterval,
  setImmediate,
  queueMicrotask,
  fetch,
  Date,
  Error.stackTraceLimit,
  ...[Effect.sync(() => 1), Effect.callback(() => {}), Effect.suspend(() => Effect.void)].map((effect) =>
    Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(effect) as object)).join()
  ),
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Effect.runFork(Effect.void)), "setContext")?.value
]

describe("a diagnosis", () => {
  it("keeps the error of an invariant as the cause, with what it compares", () => {
    const error = thrownBy(() => CancelEverywhere.check(Effect.succeed(wrong), { invariant: isRight }))
    const { report } = error as Report.CheckFailed
    expect(error.message).toBe(Report.format(report))
    expect(unnumbered(report)).toMatchInlineSnapshot(`
      "
      CancelEverywhere: N runs of a program with N points, N went wrong

      without a cancel:
        invariant: expected { items: 2, total: 30 } to deeply equal { items: 2, total: 31 }
        the invariant threw in \`expect(outcome?._tag === "Completed" ? outcome.value : right).toEqual(right)\` at test/testing/diagnosis.test.ts:15
        replay with { replay: "-" }
      "
    `)
    expect(error.cause).toMatchObject({ name: "AssertionError", actual: wrong, expected: right })
    // The first line of the stack is where the test called the checker.
    expect(error.stack!.slice(error.stack!.indexOf("\n    at ")).split("\n")[1]).toContain("diagnosis.test.ts")
  })

  it.each<[name: string, call: () => unknown]>([
    ["setTimeout", () => setTimeout(() => {}, 0)],
    ["setInterval", () => clearInterval(setInterval(() => {}, 0))],
    ["setImmediate", () => setImmediate(() => {})],
    ["queueMicrotask", () => queueMicrotask(() => {})],
    ["process.nextTick", () => process.nextTick(() => {})],
    ["fetch", () => void fetch("data:,x")],
    ["AbortSignal.timeout", () => AbortSignal.timeout(1)],
    ["a promise", () => void Promise.resolve().then(() => {})]
  ])("names %s as what a program waits for", (name, call) => {
    const waits = Effect.callback<void>(() => {
      call()
    })
    const [message] = found(waits)!
    expect(message).toMatch(
      new RegExp(`^escaped: the program waits for ${name}, called by \`.*\` at test/testing/diagnosis`)
    )
  })

  it("names Effect.tryPromise, and no promise that Effect does not wait for", () => {
    expect(found(Effect.tryPromise(() => Promise.resolve(1)))![0]).toMatch(
      /a promise made by `.*\(Effect\.tryPromise\):/
    )
    const elsewhere = Effect.gen(function* () {
      void Promise.resolve().then(() => {})
      yield* Effect.never
    })
    expect(found(elsewhere)).toEqual(["stuck: Nothing can run any more, but the program has not ended"])
  })

  it("a runtime that runs to its end in one go is nothing to report", () => {
    const program = Effect.gen(function* () {
      Effect.runSync(Effect.sync(() => 1))
      return yield* Effect.callback<void>(() => Effect.runSync(Effect.sync(() => {})))
    })
    const { findings, details } = CancelEverywhere.run(program).failures[0]!
    expect(findings.map(({ kind }) => kind)).toEqual(["stuck"])
    expect(details.join("\n")).not.toContain("outside of this world")
  })

  it("what is allowed is no failure, once it is known for what it is", () => {
    expect(found(diagnosed.realTimer, { allow: ["escaped"] })).toBeUndefined()
    expect(found(diagnosed.shared, { allow: ["not-repeatable"] })).toBeUndefined()
    // Then also the runs with a cancel are made.
    expect(CancelEverywhere.run(Effect.never, { allow: ["stuck"] })).toMatchObject({ failures: [], exhausted: true })
  })

  it("reads the same on plain Node, which maps no sources", { timeout: 60_000 }, () => {
    const here = [diagnosed.leak, diagnosed.leakInPipe, diagnosed.deadlock].map((program) =>
      Report.format(CancelEverywhere.run<unknown, never>(program))
    )
    const there = execFileSync(process.execPath, ["--input-type=module", "--eval", onNode], { encoding: "utf8" })
    expect(there).toBe(here.join("\n\n"))
  })

  it("leaves nothing changed behind, also where the program throws while it is watched", () => {
    const before = changed()
    for (const program of [diagnosed.leak, diagnosed.named, diagnosed.realTimer]) CancelEverywhere.run(program)
    expect(changed()).toEqual(before)
    let made = 0
    const throws = () => {
      if (++made === 2) throw new Error("made only once")
      return Effect.never
    }
    expect(CancelEverywhere.run(throws).failures[0]!.details).toEqual(["a closer look failed: Error: made only once"])
    expect(changed()).toEqual(before)
  })

  it("watches the very schedule that failed", () => {
    const always = { invariant: () => "always wrong" }
    for (const program of [diagnosed.leak, diagnosed.swallow, diagnosed.slow, diagnosed.brokenCleanUp]) {
      const { points } = CancelEverywhere.run<unknown, never>(program)
      for (let point = 0; point <= points; point++) {
        const [failure] = CancelEverywhere.run<unknown, never>(program, { ...always, replay: `${point}` }).failures
        expect(failure!.details.join("\n")).not.toContain("another way")
        const told = failure!.details.some((line) => line.startsWith(`point ${point}: `))
        // At the last points it had ended already.
        expect(told).toBe(failure!.trial.cancelled !== undefined)
      }
    }
    for (const replay of ["-/3,5,8/1", "4/2,9", "12+14/3", "-/1,2,3,4,5,6,7"]) {
      const [failure] = Explore.run(diagnosed.checkThenAct, { ...always, replay }).failures
      expect(failure!.details.join("\n")).not.toContain("another way")
    }
  })

  it("says so if the program goes another way when it is watched", () => {
    let made = 0
    const moody = () => (++made % 2 === 1 ? Effect.never : Effect.andThen(Effect.yieldNow, Effect.never))
    expect(CancelEverywhere.run(moody).failures[0]!.details).toContainEqual(
      expect.stringContaining("watched, the same schedule went another way")
    )
  })

  it("sees less of a program that brings a tracer of its own, and nothing wrong", () => {
    const traced = diagnosed.leak.pipe(Effect.provideService(Tracer.Tracer, Tracer.nativeTracer))
    const [failure] = CancelEverywhere.run(traced).failures
    expect(failure!.findings.map(({ kind }) => kind)).toEqual(["not-released"])
    expect(failure!.details.join("\n")).not.toContain("another way")
  })

  it("does without Node's modules", () => {
    const spy = vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined)
    const { details } = CancelEverywhere.run(diagnosed.leak).failures[0]!
    spy.mockRestore()
    expect(details[0]).toMatch(/^point \d+: at the end of .*diagnosed\.ts:11$/)
  })
})

/** The same reports in a process of their own. */
const onNode = `
  import * as CancelEverywhere from "./src/testing/CancelEverywhere.ts"
  import * as Report from "./src/testing/Report.ts"
  import { deadlock, leak, leakInPipe } from "./test/testing/diagnosed.ts"
  const reports = [leak, leakInPipe, deadlock].map((program) => Report.format(CancelEverywhere.run(program)))
  process.stdout.write(reports.join("\\n\\n"))
`

const thrownBy = (run: () => unknown): Error => {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error("it threw nothing")
}
