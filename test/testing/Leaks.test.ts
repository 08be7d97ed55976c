import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "@effect/vitest"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as Leaks from "../../src/testing/Leaks.ts"

/** What the check says is left. */
const leftBy = <A, E>(
  effect: Effect.Effect<A, E, never>,
  options?: Leaks.Options
): Effect.Effect<Leaks.Left | undefined, never> =>
  Effect.map(Effect.exit(Leaks.check(effect, options)), (exit) => {
    if (Exit.isSuccess(exit)) return undefined
    const error = Cause.squash(exit.cause)
    expect(error).toBeInstanceOf(Leaks.LeaksFound)
    return (error as Leaks.LeaksFound).left
  })

const stuck = Effect.uninterruptible(Effect.never)

describe("Leaks", () => {
  it.effect("an effect that cleans up passes, and its value comes back", () =>
    Effect.gen(function* () {
      const value = yield* Leaks.check(
        Effect.gen(function* () {
          yield* Effect.forkChild(Effect.never)
          yield* Effect.forkScoped(Effect.never)
          const nursery = yield* Nursery.make("work")
          yield* nursery.spawn("page", Effect.sleep("1 hour"))
          return 5
        })
      )
      expect(value).toBe(5)
    })
  )

  it.effect("names a detached fiber by its span, or by the task that it came from", () =>
    Effect.gen(function* () {
      const named = yield* leftBy(
        Effect.forkDetach(Effect.withSpan(Effect.withSpan(Effect.never, "request"), "retry"), {
          startImmediately: true
        })
      )
      expect(named?.fibers).toEqual([expect.stringMatching(/^fiber #\d+ outside of any task, span "retry > request"$/)])
      expect(named).toMatchObject({ scopes: [], stragglers: [], gates: [], handles: [] })

      const inTask = yield* leftBy(
        Nursery.run("crawl", (nursery) =>
          Effect.asVoid(nursery.spawn("page 3", Effect.forkDetach(Effect.never, { startImmediately: true })))
        )
      )
      expect(inTask?.fibers).toEqual([expect.stringMatching(/^fiber #\d+ in "crawl\/page 3"$/)])
    })
  )

  it.effect("names open tasks by their path", () =>
    Effect.gen(function* () {
      const left = yield* leftBy(
        Effect.gen(function* () {
          const started = yield* Effect.forkDetach(
            Nursery.run("crawl", (nursery) => Effect.andThen(nursery.spawn("page 3", Effect.never), Effect.never)),
            { startImmediately: true }
          )
          yield* Effect.yieldNow
          return started
        })
      )
      expect(left?.scopes).toEqual(['nursery "crawl"', 'body "crawl/body"', 'task "crawl/page 3"'])
      expect(left?.fibers.length).toBe(3)
    })
  )

  it.effect("names a straggler, and why it was told to stop", () =>
    Effect.gen(function* () {
      const left = yield* leftBy(
        Nursery.run("crawl", (nursery) =>
          Effect.gen(function* () {
            const task = yield* nursery.spawn("page 3", stuck)
            yield* Effect.yieldNow
            yield* Task.cancel(task, { giveUp: 0 })
          })
        )
      )
      expect(left?.stragglers).toEqual([expect.stringMatching(/^"crawl\/page 3", told to stop: ".+"$/)])
    })
  )

  it.effect("names an open scope without a fiber, and a straggler without one", () =>
    Effect.gen(function* () {
      const forgotten = yield* leftBy(
        Effect.gen(function* () {
          yield* Scope.provide(Nursery.make("forgotten"), yield* Scope.make())
        })
      )
      expect(forgotten).toMatchObject({ scopes: ['nursery "forgotten"'], fibers: [] })

      const abandoned = yield* leftBy(
        Effect.gen(function* () {
          const watch = yield* Leaks.Current
          watch!.stragglers.add(watch!.root)
        })
      )
      expect(abandoned).toMatchObject({ scopes: [], fibers: [], stragglers: ['""'] })
    })
  )

  it.effect("what was told to stop may take a turn for it", () =>
    Effect.gen(function* () {
      const told = Effect.gen(function* () {
        const fiber = yield* Effect.forkDetach(Effect.onInterrupt(Effect.never, () => Effect.yieldNow))
        yield* Effect.yieldNow
        fiber.interruptUnsafe()
        expect(fiber.pollUnsafe()).toBeUndefined()
      })
      expect(yield* leftBy(told)).toBeUndefined()
    })
  )

  it.effect("the test clock adds no fiber of its own to what is counted", () =>
    Leaks.check((watch) =>
      Effect.gen(function* () {
        yield* Effect.forkChild(Effect.sleep("1 hour"))
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        expect(watch.fibers).toBe(1)
      })
    )
  )

  it.effect("the message has everything that is left, one a line; the failure of the effect comes first", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Leaks.check(Effect.forkDetach(Effect.withSpan(Effect.never, "poll"), { startImmediately: true }))
      )
      const error = Cause.squash((exit as Exit.Failure<never, never>).cause) as Error
      expect(error.message).toMatch(
        /^The effect has ended and left behind:\n {2}fiber #\d+ outside of any task, span "poll"$/
      )
      const failed = yield* Effect.flip(
        Leaks.check(Effect.andThen(Effect.forkDetach(Effect.never), Effect.fail("disk full" as const)))
      )
      expect(failed).toBe("disk full")
    })
  )

  it.effect("the watch tells what lives in the middle of a test", () =>
    Leaks.check((watch) =>
      Effect.gen(function* () {
        expect([watch.fibers, watch.left]).toEqual([0, undefined])
        const fiber = yield* Effect.forkChild(Effect.never)
        expect(watch.fibers).toBe(1)
        expect(watch.names.at(-1)).toBe("1 fiber not yet begun")
        yield* Fiber.interrupt(fiber)
        expect(watch.fibers).toBe(0)
      })
    )
  )

  it.effect("two checks, one inside the other, count apart", () =>
    Leaks.check((outer) =>
      Effect.gen(function* () {
        const inner = yield* leftBy(Effect.forkDetach(Effect.never, { startImmediately: true }))
        expect([inner?.fibers.length, outer.left]).toEqual([1, undefined])
      })
    )
  )

  it.effect("many fibers that come and go are not kept", () =>
    Leaks.check((watch) =>
      Effect.gen(function* () {
        for (let index = 0; index < 5000; index++) yield* Effect.forkChild(Effect.void, { startImmediately: true })
        const held = watch["seen"]["seen"].size
        expect(held).toBeLessThanOrEqual(1003)
      })
    )
  )

  it.live("real time: what needs a moment to end is waited for as long as patience says", () =>
    Effect.gen(function* () {
      const slow = Effect.forkDetach(Effect.sleep(30), { startImmediately: true })
      expect((yield* leftBy(slow))?.fibers.length).toBe(1)
      expect(yield* leftBy(slow, { patience: "20 seconds" })).toBeUndefined()
    })
  )

  it.live("real time: handles are what Node holds open more of than before", () =>
    Effect.gen(function* () {
      let timer: NodeJS.Timeout | undefined
      const timed = Effect.sync(() => {
        timer = setTimeout(() => {}, 60_000)
      })
      expect((yield* leftBy(timed, { handles: true }))?.handles).toEqual(["1 Timeout"])
      clearTimeout(timer)
      const short = Effect.sync(() => void setTimeout(() => {}, 50))
      expect(yield* leftBy(short, { handles: true })).toBeUndefined()
    })
  )

  it.effect("a test that failed says so, although its clean-up sleeps and nobody moves the clock", () =>
    Effect.gen(function* () {
      const failing = Effect.andThen(
        Effect.acquireRelease(Effect.void, () => Effect.sleep("30 seconds")),
        Effect.fail("disk full" as const)
      )
      expect(yield* Effect.flip(Leaks.check(failing))).toBe("disk full")
    })
  )

  it.effect("a patience that cannot be meant is refused", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Leaks.check(Effect.void, { patience: Number.NaN }))
      expect(String(exit)).toContain("patience must be a duration of zero or more")
      yield* TestClock.adjust(0)
    })
  )
})
