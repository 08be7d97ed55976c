/** The wall clock is set while something is waited for: that ends when its time has passed, neither before nor after. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as Join from "../../src/combinators/Join.ts"
import { Correlator } from "../../src/fibers/Correlator.ts"
import * as Supervisor from "../../src/fibers/Supervisor.ts"
import * as Watchdog from "../../src/fibers/Watchdog.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { type DrainOptions, Tasks, type StartOptions } from "../../src/fibers/Tasks.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import * as TimeLimits from "../../src/fibers/TimeLimits.ts"
import * as Wait from "../../src/fibers/Wait.ts"
import { leakChecked } from "../support/leaks.ts"
import { type Hands, withHands } from "../support/setClock.ts"
import { settle } from "../support/settle.ts"

const day = 86_400_000
const ways = [
  ["back", -day],
  ["forth", day]
] as const

const never = Effect.never
const hanging = Effect.onInterrupt(never, () => Effect.sleep(500))

/** A task of a service, until it has ended. */
const task = (effect: Effect.Effect<unknown>, options: StartOptions) =>
  Effect.scoped(
    Effect.flatMap(Tasks, (tasks) => Effect.flatMap(tasks.start("t", effect, options), Task.await)).pipe(
      Effect.provide(Tasks.layer())
    )
  )

/** A child, told to stop at once, until it is decided. */
const cancelled = (effect: Effect.Effect<unknown>, how: Task.CancelOptions) =>
  Nursery.run("n", (nursery: Nursery.Nursery) =>
    Effect.gen(function* () {
      const child = yield* nursery.spawn("child", effect)
      yield* settle
      yield* Task.cancel(child, how)
    })
  )

/** What a service drains for, until that has ended. */
const draining = (options: DrainOptions, effect: Effect.Effect<unknown> = never) =>
  Effect.scoped(
    Effect.gen(function* () {
      const tasks = yield* Tasks
      yield* tasks.start("t", effect)
      yield* settle
      yield* tasks.drain(options)
    }).pipe(Effect.provide(Tasks.layer()))
  )

let restarts = 0

/** Below a watchdog; `told` waits for its first report. */
const watched = (
  body: (told: Effect.Effect<void>, tasks: Tasks["Service"]) => Effect.Effect<unknown, unknown, Scope.Scope>,
  options: Watchdog.WatchdogOptions
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const told = yield* Deferred.make<void>()
      yield* Watchdog.make({ ...options, onReport: () => Deferred.succeed(told, undefined) })
      yield* body(Deferred.await(told), yield* Tasks)
    }).pipe(Effect.provide(Tasks.layer()))
  )

/** A child that is asked to stop at once, until it has. */
const interrupting = (effect: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const nursery = yield* Nursery.make<unknown>("slow")
    const child = yield* nursery.spawn("child", effect)
    yield* settle
    yield* Task.requestCancel(child)
  })

const inMillis = (millis: number) => Effect.map(DateTime.now, DateTime.addDuration(millis))

/** What ends 100 ms after it began, whatever the clock on the wall says. */
const waits: Record<string, Effect.Effect<unknown, unknown>> = {
  "a time limit (K33)": task(never, { timeLimit: 100 }),
  "a time limit that was extended (K33)": task(Effect.andThen(TimeLimits.extend(60), never), { timeLimit: 40 }),
  "the maximum of a time limit (K33)": task(Effect.andThen(TimeLimits.extend(900), never), {
    timeLimit: 40,
    maxTimeLimit: 100
  }),
  "the deadline of a task (K33)": task(never, { deadline: 100 }),
  "a time limit that is extended later (K33)": task(
    Effect.andThen(Effect.andThen(Effect.sleep(60), TimeLimits.extend(20)), never),
    { timeLimit: 80 }
  ),
  "a deadline (K33)": Deadline.run(never, 100),
  "a deadline below which tasks start (K10, K33)": Deadline.run(
    Effect.forever(Effect.andThen(Effect.sleep(30), Join.all([Effect.void]))),
    100
  ),
  "a deadline that was extended (K33)": Deadline.make("d", 40, (deadline) =>
    Effect.andThen(deadline.extend(60), never)
  ),
  "a deadline that was moved to an instant (K33)": Deadline.make("d", 40, (deadline) =>
    Effect.andThen(Effect.andThen(inMillis(100), deadline.moveTo), never)
  ),
  "the limit of a join (K31, K33)": Join.within([never], 100),
  "the limit of each member (K31, K33)": Join.settled([never], { each: 100 }),
  "the budget of a shield (K39)": cancelled(Shield.run("s", never, { budget: 100 }), {}),
  "a grace (K12)": cancelled(never, { grace: 100 }),
  "a grace that another cancel brings forward (K8, K12)": Nursery.run("n", (nursery: Nursery.Nursery) =>
    Effect.gen(function* () {
      const child = yield* nursery.spawn("child", never)
      yield* settle
      yield* Task.requestCancel(child, { grace: 500 })
      yield* Effect.sleep(60)
      yield* Task.cancel(child, { grace: 40 })
    })
  ),
  "the bound after which a cancel gives up (K12)": cancelled(hanging, { giveUp: 100 }),
  "the deadline of a poll (K40)": Wait.poll(Effect.succeed(false), { interval: 30, within: 100 }),
  "the time that a drain gives to finish (K37)": draining({ finish: 100 }),
  "the time after which a drain gives up (K37)": draining({ giveUp: 100 }, hanging),
  "the pause before a restart": Supervisor.run(
    "child",
    Effect.suspend(() => (restarts++ % 2 === 0 ? Effect.fail("once") : Effect.void)),
    { backoff: Schedule.spaced(100), onRestart: () => Effect.void }
  ),
  "the time to live of a message (K41)": Effect.scoped(
    Effect.gen(function* () {
      const correlator = yield* Correlator.make()
      yield* correlator.publish(Correlator.channel<string>("c"), "k", "never taken", { ttl: 100 })
      yield* Stream.runHead(correlator.deadLetterStream)
    })
  ),
  "the threshold of the watchdog": watched((told) => interrupting(Effect.onInterrupt(never, () => told)), {
    threshold: 100
  }),
  "the maximum age of a task": watched((_, tasks) => Effect.flatMap(tasks.start("old", never), Task.await), {
    maxAge: 100
  }),
  "the last check of a poll (K40)": Wait.poll(never, { within: 40, lastCheck: 100 })
}

/** What ended, while the hands are moved in the middle of its time. */
const during = (wait: Effect.Effect<unknown, unknown>, move: (hands: Hands) => void) =>
  withHands((hands) =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const look = (at: string) => Effect.map(settle, () => fiber.pollUnsafe() !== undefined && ended.push(at))
      const fiber = yield* Effect.forkChild(Effect.exit(wait))
      yield* settle
      yield* TestClock.adjust(50)
      move(hands)
      yield* look("at the jump")
      yield* TestClock.adjust(49)
      yield* look("before")
      yield* TestClock.adjust(1)
      yield* look("in time")
      // Those who were given up on.
      yield* TestClock.adjust(1000)
      return ended[0] ?? "not"
    })
  )

describe("a wall clock that is set", () => {
  for (const [way, by] of ways) {
    it.effect.each(Object.entries(waits))(`${way} by a day moves no end: %s`, ([, wait]) =>
      leakChecked(
        Effect.gen(function* () {
          expect(yield* during(wait, () => {})).toBe("in time")
          expect(yield* during(wait, ({ set }) => set(by))).toBe("in time")
        })
      )
    )

    it.effect(`${way} by a day: what is left stays, and instants are told by the clock as it stands (K33, K43)`, () =>
      leakChecked(
        withHands(({ set }) =>
          Deadline.run(
            Effect.gen(function* () {
              yield* Effect.sleep(30)
              const at = () => Effect.map(Deadline.current, Option.map(DateTime.toEpochMillis))
              expect(yield* at()).toEqual(Option.some(100))
              set(by)
              expect(yield* at()).toEqual(Option.some(by + 100))
              expect(yield* Deadline.remaining).toEqual(Option.some(Duration.millis(70)))
              expect(JSON.stringify(yield* TaskTree.snapshot)).toContain(new Date(by + 100).toISOString())
            }),
            100
          )
        ).pipe(Effect.forkChild({ startImmediately: true }), (running) =>
          Effect.andThen(
            Effect.tap(running, () => TestClock.adjust(50)),
            (fiber) => Fiber.join(fiber)
          )
        )
      )
    )

    it.effect(`${way} by a day: an instant that is given then is of the clock as it stands (K33)`, () =>
      leakChecked(
        Effect.gen(function* () {
          const moved = withHands(({ set }) =>
            Deadline.make("d", 1000, (deadline) =>
              Effect.gen(function* () {
                yield* Effect.sleep(50)
                set(by)
                expect(yield* deadline.moveTo(by + 100)).toBe(true)
                expect(yield* deadline.at).toEqual(Option.some(DateTime.makeUnsafe(by + 100)))
                yield* never
              })
            )
          )
          expect(yield* during(moved, () => {})).toBe("in time")
        })
      )
    )
  }

  it.effect("the instant by which a drain is over is told by the clock as it stands (K37)", () =>
    leakChecked(
      withHands(({ set }) =>
        Effect.scoped(
          Effect.gen(function* () {
            const tasks = yield* Tasks
            yield* tasks.start("t", never)
            const fiber = yield* Effect.forkChild(tasks.drain({ finish: 60, giveUp: 40 }))
            yield* settle
            for (const by of [0, day, -2 * day]) {
              set(by)
              expect(yield* tasks.drainsBy).toEqual(Option.some((yield* Clock.currentTimeMillis) + 100))
            }
            yield* TestClock.adjust(60)
            expect(Duration.toMillis((yield* Fiber.join(fiber)).took)).toBe(60)
          }).pipe(Effect.provide(Tasks.layer()))
        )
      )
    )
  )

  it.effect("between two ticks of the wall clock an instant stays the same (K43)", () =>
    leakChecked(
      withHands(({ block }) =>
        Deadline.make("d", 100, (deadline) =>
          Effect.gen(function* () {
            const at = yield* deadline.at
            block(0.7)
            expect([yield* deadline.at, yield* Deadline.current]).toEqual([at, at])
            expect(yield* Deadline.remaining).toEqual(Option.some(Duration.millis(99.3)))
          })
        )
      )
    )
  )

  it.effect("sums of parts of milliseconds end when they are over: nobody waits for what cannot be slept (K33)", () =>
    leakChecked(
      Effect.gen(function* () {
        yield* TestClock.adjust(0.1)
        const fiber = yield* Effect.forkChild(Effect.exit(Deadline.run(never, 0.2)))
        yield* settle
        // As a number, 0.1 + 0.2 is more than 0.3.
        yield* TestClock.adjust(0.2)
        yield* settle
        expect(fiber.pollUnsafe()?._tag).toBe("Success")
        yield* Fiber.interrupt(fiber)
      })
    )
  )
})
