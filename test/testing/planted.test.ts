/**
 * The bugs that a plain test does not see: each is planted in a small program, and found. Four need a cancel at the right point, four
 * the right interleaving (`facts/effect-4-core.md`, section 3).
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"
import { describe, expect, it } from "vitest"
import { CurrentNode, RootNode } from "../../src/fibers/internal/currentNode.ts"
import type { ScopeNode } from "../../src/fibers/internal/scopeNode.ts"
import * as CancelEverywhere from "../../src/testing/CancelEverywhere.ts"
import * as Explore from "../../src/testing/Explore.ts"
import type { Kind } from "../../src/testing/Finding.ts"
import * as Ledger from "../../src/testing/Ledger.ts"
import type { Report } from "../../src/testing/Report.ts"

const kinds = ({ failures }: Report): ReadonlyArray<Kind> => [
  ...new Set(failures.flatMap(({ findings }) => findings.map(({ kind }) => kind)))
]

const pointsOf = ({ failures }: Report): ReadonlyArray<number> =>
  failures.flatMap(({ trial }) => (trial.cancelled === undefined ? [] : [trial.cancelled.point]))

/** Work around the place that matters, so that the fault sits at few of many points. */
const busy = Effect.andThen(
  Effect.sleep(1),
  Effect.sync(() => {})
)

const both = (first: Semaphore.Semaphore, second: Semaphore.Semaphore) =>
  first.withPermits(1)(second.withPermits(1)(Effect.void))

const completionAgainstCancel = (): { program: Effect.Effect<void>; invariant: () => string | undefined } => {
  const events: Array<string> = []
  let decided = false
  const decide = (event: string) =>
    Effect.suspend(() => {
      if (decided) return Effect.void
      return Effect.andThen(
        Effect.sync(() => {
          decided = true
        }),
        Effect.sync(() => events.push(event))
      )
    })
  return {
    program: Effect.asVoid(
      Effect.all([Effect.andThen(Effect.yieldNow, decide("completed")), decide("cancelled")], {
        concurrency: "unbounded"
      })
    ),
    invariant: () => (events.length === 1 ? undefined : `the terminal events are ${events.join()}`)
  }
}

describe("planted bugs", () => {
  it("a correct program: nothing is wrong at any point, nor in any interleaving", () => {
    const program = Effect.gen(function* () {
      yield* Ledger.resource("db", Effect.sleep(2))
      yield* Effect.race(Effect.scoped(Effect.andThen(Ledger.resource("a"), Effect.sleep(5))), busy)
      yield* Ledger.finalizer("goodbye", Effect.yieldNow)
      yield* busy
      return yield* Ledger.work("commit")
    })
    const everywhere = CancelEverywhere.run(program, { again: true })
    expect(everywhere).toMatchObject({ failures: [], exhausted: true })
    expect(everywhere.points).toBeGreaterThan(40)
    expect(Explore.run(program, { cancel: true })).toMatchObject({ failures: [], runs: 1000 })
  })

  it("a leak at one point of many: the clean-up is put on after the resource is there", () => {
    const program = Effect.gen(function* () {
      yield* busy
      const db = yield* Ledger.opened("db")
      yield* Effect.ensuring(Effect.andThen(busy, busy), Ledger.closed(db))
      yield* busy
    })
    const report = CancelEverywhere.run(program)
    expect(kinds(report)).toEqual(["not-released"])
    expect(report.points).toBeGreaterThan(25)
    // Between the opening and the operation behind it: one pause, seen before the operation and in the turn after it.
    expect(pointsOf(report).length).toBeLessThanOrEqual(2)
    expect(CancelEverywhere.run(program, { replay: report.failures[0]!.replay })).toMatchObject({
      runs: 1,
      failures: [{ findings: report.failures[0]!.findings }]
    })
  })

  it("a finalizer that runs twice: by the scope and once more by the one who interrupts", () => {
    const program = Effect.gen(function* () {
      const db = yield* Ledger.opened("db")
      yield* busy.pipe(
        Effect.onInterrupt(() => Ledger.closed(db)),
        Effect.ensuring(Ledger.closed(db))
      )
    })
    const report = CancelEverywhere.run(program, { allow: ["not-released"] })
    expect(kinds(report)).toEqual(["released-twice"])
    expect(report.failures.length).toBeLessThan(report.points)
  })

  it("a swallowed interrupt: a handler inside a mask takes it for a failure, and commits", () => {
    const step = Effect.uninterruptibleMask((restore) =>
      restore(busy).pipe(
        Effect.catchCause(() => Effect.void),
        Effect.andThen(Ledger.work("commit"))
      )
    )
    expect(kinds(CancelEverywhere.run(step))).toEqual(["work-after-cancel"])
  })

  it("a swallowed interrupt: the body returns a value although it was interrupted", () => {
    // Not interruptible from the fiber's first operation on, so that the interrupt never fires.
    const program = Effect.withFiber((fiber) => {
      Object.assign(fiber, { interruptible: false })
      return Effect.as(busy, 42)
    })
    expect(kinds(CancelEverywhere.run(program))).toEqual(["completed-after-cancel"])
  })

  it("a lost interrupt: a child is forked uninterruptible and works on", () => {
    const program = Effect.gen(function* () {
      const child = yield* Effect.forkChild(Effect.andThen(busy, Ledger.work("child")), { uninterruptible: true })
      yield* Fiber.join(child)
    })
    const report = CancelEverywhere.run(program)
    expect(kinds(report)).toEqual(["work-after-cancel"])
    expect(report.failures.length).toBeLessThan(report.points)
  })

  it("a fiber that interrupts itself where nothing can interrupt it, once it was cancelled: it waits for ever", () => {
    const program = Effect.withFiber((fiber) =>
      Effect.onInterrupt(busy, () => Effect.asVoid(Fiber.interrupt(fiber as Fiber.Fiber<unknown>)))
    )
    const report = CancelEverywhere.run(program)
    expect(kinds(report)).toEqual(["stuck"])
    expect(report.failures.length).toBeLessThan(report.points)
  })

  it("a reason that nobody can read: the work was forked where no cancel of ours is", () => {
    const program = Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkDetach(
        Ledger.watch("outside")(Effect.andThen(Deferred.succeed(started, undefined), Effect.never)).pipe(detached)
      )
      yield* Effect.onInterrupt(Effect.andThen(Deferred.await(started), Effect.never), () => Fiber.interrupt(fiber))
    })
    expect(kinds(CancelEverywhere.run(Effect.race(program, busy)))).toContain("reason-unread")
  })

  it("two semaphores taken in opposite order: a deadlock in some interleavings only", () => {
    const program = Effect.gen(function* () {
      const a = yield* Semaphore.make(1)
      const b = yield* Semaphore.make(1)
      yield* Effect.all([both(a, b), both(b, a)], { concurrency: "unbounded" })
    })
    expect(CancelEverywhere.run(program).failures).toEqual([])
    expect(foundByEach(program)).toEqual(["stuck"])
  })

  it("two who close the same thing: each looks, then closes", () => {
    const program = Effect.gen(function* () {
      const db = yield* Ledger.opened("db")
      const closer = Effect.suspend(() =>
        db.released > 0
          ? Effect.void
          : Effect.andThen(
              Effect.sync(() => {}),
              Ledger.closed(db)
            )
      )
      yield* Effect.all([closer, closer], { concurrency: "unbounded" })
    })
    expect(foundByEach(program)).toEqual(["released-twice"])
  })

  it("completion against cancel: both see that nothing is decided, and two terminal events are sent", () => {
    expect(foundByEach(completionAgainstCancel)).toEqual(["invariant"])
  })

  it("a cancel that comes before the fiber stands in the table: it is lost", () => {
    const program = Effect.gen(function* () {
      const table = yield* Ref.make<Fiber.Fiber<unknown> | undefined>(undefined)
      const start = Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.never)
        yield* Ref.set(table, fiber)
        yield* Fiber.await(fiber)
      })
      const cancel = Effect.gen(function* () {
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        const fiber = yield* Ref.get(table)
        if (fiber !== undefined) yield* Fiber.interrupt(fiber)
      })
      yield* Effect.all([start, cancel], { concurrency: "unbounded" })
    })
    expect(CancelEverywhere.run(program).failures[0]?.replay).not.toBe("-")
    expect(foundByEach(program)).toEqual(["stuck"])
  })
})

/** As in `facts`: what forks away from the tree must say so; a native detached fiber would blame us. */
const detached = Effect.provideService(
  CurrentNode,
  new RootNode(Context.get(Context.empty(), Clock.Clock)) as ScopeNode
)

/** What each strategy finds, together; each failure is small, and can be replayed. */
const foundByEach = (program: Parameters<typeof Explore.run>[0]): ReadonlyArray<Kind> => {
  const reports = (["bounded", "random", "pct"] as const).map((_tag) =>
    Explore.run(program, { strategies: [{ _tag }] })
  )
  for (const { failures } of reports) {
    expect(failures).toHaveLength(1)
    const { replay, findings } = failures[0]!
    expect(Explore.run(program, { replay }).failures[0]?.findings).toEqual(findings)
    expect(replay.length).toBeLessThan(24)
  }
  return [...new Set(reports.flatMap(kinds))]
}
