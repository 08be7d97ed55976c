import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Race from "../../src/combinators/Race.ts"
import { InvalidDuration } from "../../src/fibers/CancelPolicy.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { Correlator } from "../../src/fibers/Correlator.ts"
import { CorrelatorClosed } from "../../src/fibers/CorrelatorClosed.ts"
import { NoMessage } from "../../src/fibers/NoMessage.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as Wait from "../../src/fibers/Wait.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const approval = Correlator.channel<string>("approval")
const comment = Correlator.channel<string>("comment")
const Vote = Schema.Struct({ by: Schema.String, yes: Schema.Boolean })
const vote = Correlator.channel("vote", Vote)

const reasons = (correlator: Correlator["Service"]) =>
  Effect.map(correlator.deadLetters, (letters) => letters.map(({ reason, value }) => `${value as string}: ${reason}`))

describe("Correlator", () => {
  describe("delivery", () => {
    it.effect("a message goes to the waiter of its channel and key (S0x-08)", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const waiter = yield* Effect.forkChild(correlator.wait(approval, "42"))
          yield* settle
          expect((yield* correlator.publish(comment, "42", "another kind"))._tag).toBe("Kept")
          expect((yield* correlator.publish(approval, "43", "another key"))._tag).toBe("Kept")
          expect(waiter.pollUnsafe()).toBeUndefined()
          expect(yield* correlator.publish(approval, "42", "yes")).toEqual({ _tag: "Delivered" })
          expect(yield* Fiber.join(waiter)).toBe("yes")
          expect(yield* correlator.stats).toMatchObject({ waiting: 0, kept: 2, published: 3, taken: 1 })
        })
      )
    )

    it.effect(
      "one that comes before anybody waits is kept for a waiter of its channel and key only (S0x-08, S0x-09)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const correlator = yield* Correlator.make()
            expect(yield* correlator.publish(approval, "42", "early")).toEqual({ _tag: "Kept", until: 3_600_000 })
            const none = { within: 0 }
            expect(yield* Effect.flip(correlator.wait(comment, "42", none))).toBeInstanceOf(NoMessage)
            expect(yield* Effect.flip(correlator.wait(approval, "43", none))).toBeInstanceOf(NoMessage)
            expect(yield* correlator.wait(approval, "42")).toBe("early")
            expect(yield* Effect.flip(correlator.wait(approval, "42", none))).toMatchObject({
              channel: "approval",
              key: "42"
            })
          })
        )
    )

    it.effect("waiters are served in the order in which they came, kept messages in that of publishing", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const fibers = yield* Effect.forEach([0, 1, 2], () =>
            Effect.tap(Effect.forkChild(correlator.wait(approval, "k")), () => settle)
          )
          for (const text of ["a", "b", "c", "d", "e"]) yield* correlator.publish(approval, "k", text)
          expect(yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))).toEqual(["a", "b", "c"])
          expect([yield* correlator.wait(approval, "k"), yield* correlator.wait(approval, "k")]).toEqual(["d", "e"])
        })
      )
    )

    it.effect("a waiter runs on the publisher's stack, and may publish, wait and end its own scope there", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const log: Array<string> = []
          const echo = yield* Effect.forkChild(
            Effect.flatMap(correlator.wait(approval, "a"), (text) =>
              Effect.andThen(
                correlator.publish(approval, "b", `${text}!`),
                Effect.map(correlator.wait(approval, "a"), (again) => log.push(again))
              )
            )
          )
          const last = yield* Effect.forkChild(correlator.wait(approval, "b"))
          yield* settle
          yield* correlator.publish(approval, "a", "one")
          yield* correlator.publish(approval, "a", "two")
          expect(yield* Fiber.join(last)).toBe("one!")
          yield* Fiber.join(echo)
          expect(log).toEqual(["two"])
        })
      )
    )

    it.effect("a chain of 5,000 waiters who each publish to the next does not overflow the stack", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const link = Correlator.channel<number>("link")
          const deep = 5000
          const nursery = yield* Nursery.make<CorrelatorClosed>("chain")
          for (let index = 0; index < deep; index++) {
            yield* nursery.spawn(
              "link",
              Effect.flatMap(correlator.wait(link, String(index)), (value) =>
                correlator.publish(link, String(index + 1), value + 1)
              )
            )
          }
          yield* settle
          yield* correlator.publish(link, "0", 0)
          expect(yield* correlator.wait(link, String(deep))).toBe(deep)
        })
      )
    )

    it("the trap: a chain of deferreds overflows the stack, and its end is never reached", () => {
      const links = Array.from({ length: 20_000 }, () => Deferred.makeUnsafe<void>())
      let reached = 0
      for (let index = 0; index + 1 < links.length; index++) {
        const next = links[index + 1]!
        Effect.runFork(
          Effect.andThen(
            Deferred.await(links[index]!),
            Effect.suspend(() => {
              reached++
              return Deferred.succeed(next, undefined)
            })
          )
        )
      }
      Effect.runFork(Deferred.succeed(links[0]!, undefined))
      expect(reached).toBeLessThan(links.length - 1)
    })

    it("two fibers that answer each other for ever leave the event loop to others, in real time", () =>
      Effect.gen(function* () {
        const correlator = yield* Correlator.make()
        // Not Effect.forever, which yields by itself.
        const player = (mine: string, other: string): Effect.Effect<never, CorrelatorClosed> =>
          Effect.andThen(
            Effect.andThen(correlator.wait(approval, mine), correlator.publish(approval, other, "ball")),
            Effect.suspend(() => player(mine, other))
          )
        const players = Effect.all([player("a", "b"), player("b", "a"), correlator.publish(approval, "a", "ball")], {
          concurrency: "unbounded"
        })
        // Its pauses are timers of the platform: they fire only if the event loop is free.
        const watcher = Wait.poll(
          Effect.map(correlator.stats, ({ taken }) => taken > 5000),
          { interval: 1, within: Infinity }
        )
        yield* Effect.raceFirst(players, watcher)
        expect((yield* correlator.stats).taken).toBeGreaterThan(5000)
      }).pipe(Effect.scoped, Effect.runPromise))

    it.effect("what comes from outside is decoded first; what does not fit wakes nobody", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const waiter = yield* Effect.forkChild(correlator.wait(vote, "k"))
          yield* settle
          const error = yield* Effect.flip(correlator.publishUnknown(vote, "k", { by: "ann", yes: "maybe" }))
          expect(error._tag).toBe("SchemaError")
          expect((yield* correlator.publishUnknown(vote, "k", { by: "ann", yes: true }))._tag).toBe("Delivered")
          expect(yield* Fiber.join(waiter)).toEqual({ by: "ann", yes: true })
        })
      )
    )

    it.effect("the service of the layer is one for all who use it", () =>
      leakChecked(
        Effect.gen(function* () {
          const asks = Effect.flatMap(Correlator, (correlator) => correlator.wait(approval, "k"))
          const tells = Effect.flatMap(Correlator, (correlator) => correlator.publish(approval, "k", "yes"))
          const both = Effect.all([asks, Effect.delay(tells, 5)], { concurrency: 2 })
          const fiber = yield* Effect.forkChild(Effect.provide(both, Correlator.layer()))
          yield* TestClock.adjust(5)
          expect(yield* Fiber.join(fiber)).toEqual(["yes", { _tag: "Delivered" }])
        })
      )
    )
  })

  describe("cancel", () => {
    it.effect(
      "a cancelled waiter is gone at once, with its timer, and its message is kept for the next (S0-51, S0-57, S0x-10)",
      () =>
        leakChecked((leaks) =>
          Effect.gen(function* () {
            const correlator = yield* Correlator.make()
            const nursery = yield* Nursery.make<CorrelatorClosed | NoMessage>("n")
            const before = leaks.fibers
            let handled = false
            const task = yield* nursery.spawn(
              "waiter",
              Effect.map(correlator.wait(approval, "k", { within: "1 hour" }), () => {
                handled = true
              })
            )
            yield* settle
            // The task, and the timer of its time limit.
            expect(leaks.fibers - before).toBe(2)
            expect((yield* correlator.inspect("k"))[0]!.waiting).toEqual(["n/waiter"])
            yield* Task.cancel(task, { reason: CancelReason.request({ by: "ann" }) })
            expect(yield* correlator.inspect("k")).toEqual([])
            expect(leaks.fibers).toBe(before)
            expect((yield* correlator.publish(approval, "k", "late"))._tag).toBe("Kept")
            yield* TestClock.adjust(10)
            expect(handled).toBe(false)
            expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
          })
        )
    )

    it.effect(
      "a waiter that is cancelled by who published, before it ran, gives the message to the next (S0x-11)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const correlator = yield* Correlator.make()
            const got: Array<string> = []
            const waiter = (name: string) =>
              Effect.forkChild(Effect.map(correlator.wait(approval, "k"), (text) => got.push(`${name} ${text}`)))
            const first = yield* waiter("first")
            yield* settle
            const second = yield* waiter("second")
            // Whoever publishes from inside of a delivery has its waiters run after it.
            const inside = yield* Effect.forkChild(
              Effect.flatMap(correlator.wait(comment, "go"), () =>
                Effect.andThen(correlator.publish(approval, "k", "x"), Fiber.interrupt(first))
              )
            )
            yield* settle
            yield* correlator.publish(comment, "go", "")
            yield* Fiber.await(inside)
            yield* Fiber.await(second)
            expect(got).toEqual(["second x"])
            expect(yield* correlator.stats).toMatchObject({ published: 2, taken: 2, returned: 1, waiting: 0, kept: 0 })
          })
        )
    )

    it.effect("what is given back takes its old place at the head of the queue (S0x-11)", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          for (const text of ["a", "b", "c"]) yield* correlator.publish(approval, "k", text)
          const fibers = yield* Effect.forEach([0, 1], () =>
            Effect.forkChild(correlator.receive(approval, "k", () => Effect.never))
          )
          yield* settle
          expect(yield* correlator.stats).toMatchObject({ held: 2, kept: 1 })
          // In either order.
          yield* Fiber.interrupt(fibers[0]!)
          yield* Fiber.interrupt(fibers[1]!)
          expect((yield* correlator.inspect("k"))[0]!.kept.map(({ value }) => value)).toEqual(["a", "b", "c"])
        })
      )
    )
  })

  describe("receive", () => {
    it.effect("a message counts as taken when use has succeeded", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          yield* correlator.publish(approval, "k", "yes")
          const fiber = yield* Effect.forkChild(
            correlator.receive(approval, "k", (text) => Effect.as(Effect.sleep(10), text.length))
          )
          yield* settle
          expect(yield* correlator.stats).toMatchObject({ held: 1, kept: 0, taken: 0 })
          yield* TestClock.adjust(10)
          expect(yield* Fiber.join(fiber)).toBe(3)
          expect(yield* correlator.stats).toMatchObject({ held: 0, kept: 0, taken: 1 })
        })
      )
    )

    it.effect("the loser of a race gives its message back once it has cleaned up, and the next worker gets it", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const log: Array<string> = []
          const work = (name: string, millis: number) =>
            correlator.receive(approval, "k", (text) =>
              Effect.onInterrupt(Effect.as(Effect.sleep(millis), `${name} ${text}`), () =>
                Effect.andThen(
                  Effect.sleep(5),
                  Effect.sync(() => log.push("cleaned up"))
                )
              )
            )
          const race = yield* Effect.forkChild(
            Race.firstSuccess({ slow: work("slow", 1000), other: Effect.as(Effect.sleep(10), "other") })
          )
          const next = yield* Effect.forkChild(
            Effect.tap(Effect.delay(work("next", 1), 1), (text) => Effect.sync(() => log.push(text)))
          )
          yield* settle
          yield* correlator.publish(approval, "k", "m")
          yield* TestClock.adjust(100)
          expect((yield* Fiber.join(race)).winner).toBe("other")
          expect(yield* Fiber.join(next)).toBe("next m")
          expect(log).toEqual(["cleaned up", "next m"])
        })
      )
    )

    it.effect("work that fails makes a dead letter, and the failure leaves", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          yield* correlator.publish(approval, "k", "bad")
          expect(yield* Effect.flip(correlator.receive(approval, "k", () => Effect.fail("no")))).toBe("no")
          const [letter] = yield* correlator.deadLetters
          expect(letter).toMatchObject({
            channel: "approval",
            key: "k",
            value: "bad",
            reason: "failed",
            publishedAt: 0
          })
          expect(Cause.squash(letter!.cause!)).toBe("no")
          yield* correlator.publish(approval, "k", "worse")
          const exit = yield* Effect.exit(correlator.receive(approval, "k", () => Effect.die("bug")))
          expect(exit._tag).toBe("Failure")
          expect((yield* correlator.stats).deadLetters.failed).toBe(2)
        })
      )
    )

    it.effect("use that is called and throws is work that failed", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          yield* correlator.publish(approval, "k", "x")
          yield* Effect.exit(
            correlator.receive(approval, "k", (): Effect.Effect<void> => {
              throw new Error("bug")
            })
          )
          expect(yield* correlator.stats).toMatchObject({ held: 0, deadLetters: { failed: 1 } })
        })
      )
    )
  })

  describe("time", () => {
    it.effect(
      "a kept message expires after its time to live, by itself, and nothing is left of it (S0-52, S0x-07)",
      () =>
        leakChecked((leaks) =>
          Effect.gen(function* () {
            const correlator = yield* Correlator.make({ ttl: "1 minute" })
            const before = leaks.fibers
            const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(correlator.deadLetterStream, 3)))
            yield* correlator.publish(approval, "k", "a")
            yield* TestClock.adjust("10 seconds")
            yield* correlator.publish(approval, "k", "b")
            yield* correlator.publish(approval, "k", "short", { ttl: 500 })
            yield* correlator.publish(approval, "k", "for ever", { ttl: Infinity })
            yield* settle
            // One timer for all of them, and the reader of the stream.
            expect(leaks.fibers - before).toBe(2)
            yield* TestClock.adjust("1 minute")
            yield* settle
            expect((yield* Fiber.join(seen)).map(({ at, value }) => [value, at])).toEqual([
              ["short", 10_500],
              ["a", 60_000],
              ["b", 70_000]
            ])
            expect(leaks.fibers).toBe(before)
            expect(yield* correlator.stats).toMatchObject({ kept: 1, deadLetters: { expired: 3 } })
          })
        )
    )

    it.effect("one that has expired reaches no waiter, also in the very instant (S0x-07)", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make({ ttl: 100 })
          yield* correlator.publish(approval, "k", "no")
          yield* TestClock.adjust(99)
          yield* correlator.publish(approval, "k", "yes")
          yield* TestClock.adjust(1)
          expect(yield* correlator.wait(approval, "k")).toBe("yes")
          expect(yield* reasons(correlator)).toEqual(["no: expired"])
        })
      )
    )

    it.effect("one that expired while it was worked on is not given to the next", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make({ ttl: 100 })
          const first = yield* Effect.forkChild(correlator.receive(approval, "k", () => Effect.never))
          yield* settle
          yield* correlator.publish(approval, "k", "old")
          const second = yield* Effect.forkChild(correlator.wait(approval, "k"))
          yield* TestClock.adjust(100)
          yield* Fiber.interrupt(first)
          yield* settle
          expect(second.pollUnsafe()).toBeUndefined()
          expect(yield* reasons(correlator)).toEqual(["old: expired"])
          yield* Fiber.interrupt(second)
        })
      )
    )

    it.effect("when all are taken no timer runs (S0-53)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const before = leaks.fibers
          yield* correlator.publish(approval, "k", "a")
          yield* settle
          expect(leaks.fibers - before).toBe(1)
          yield* correlator.wait(approval, "k")
          yield* settle
          expect(leaks.fibers).toBe(before)
        })
      )
    )

    it.effect("within: a typed error after the time, and a message in time ends its timer", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          const before = leaks.fibers
          const fiber = yield* Effect.forkChild(Effect.flip(correlator.wait(approval, "k", { within: 50 })))
          yield* TestClock.adjust(50)
          expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "NoMessage", channel: "approval", key: "k" })
          const inTime = yield* Effect.forkChild(correlator.receive(approval, "k", () => Effect.void, { within: 50 }))
          yield* settle
          yield* correlator.publish(approval, "k", "x")
          yield* Fiber.join(inTime)
          yield* settle
          expect(leaks.fibers).toBe(before)
        })
      )
    )

    it.effect("a bound that cannot be meant is a defect (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make()
          for (const wrong of [
            Correlator.make({ ttl: NaN }),
            correlator.publish(approval, "k", "x", { ttl: -1 }),
            correlator.wait(approval, "k", { within: NaN }),
            correlator.receive(approval, "k", Effect.succeed, { within: -1 })
          ]) {
            const exit = yield* Effect.exit(Effect.scoped(wrong as Effect.Effect<any, any, Scope.Scope>))
            const died = exit._tag === "Failure" ? exit.cause.reasons.find(Cause.isDieReason)?.defect : undefined
            expect(died).toBeInstanceOf(InvalidDuration)
          }
        })
      )
    )
  })

  it.effect.each(["maxKept", "deadLetters"])("a %s that is no count is a defect: it would bound nothing", (option) =>
    leakChecked(
      Effect.gen(function* () {
        for (const count of [NaN, -1]) {
          const exit = yield* Effect.exit(Effect.scoped(Correlator.make({ [option]: count })))
          expect(exit._tag === "Failure" && Cause.squash(exit.cause)).toEqual(
            new RangeError(`${option} must be zero or more, or left out, but it is ${count}`)
          )
        }
      })
    )
  )

  describe("dead letters", () => {
    it.effect("each says why nobody got it", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make({ maxKept: 2 })
          expect(yield* correlator.publish(approval, "k", "a", { ttl: 0 })).toEqual({
            _tag: "DeadLettered",
            reason: "no-waiter"
          })
          yield* correlator.publish(approval, "k", "b")
          yield* correlator.publish(comment, "k", "c")
          expect(yield* correlator.publish(approval, "k", "d")).toEqual({ _tag: "DeadLettered", reason: "full" })
          expect(yield* correlator.clear("other")).toBe(0)
          expect(yield* correlator.clear("k", comment)).toBe(1)
          expect(yield* correlator.clear("k")).toBe(1)
          expect(yield* reasons(correlator)).toEqual(["a: no-waiter", "d: full", "c: cleared", "b: cleared"])
          expect(yield* correlator.inspect()).toEqual([])
        })
      )
    )

    it.effect("what has expired makes room before a message is refused", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make({ maxKept: 1, ttl: 100 })
          // It sleeps for longer than the timer, and so wakes before it.
          const second = yield* Effect.forkChild(Effect.delay(correlator.publish(approval, "k", "b"), 100))
          yield* settle
          yield* correlator.publish(approval, "k", "a")
          yield* TestClock.adjust(100)
          expect((yield* Fiber.join(second))._tag).toBe("Kept")
        })
      )
    )

    it.effect("one without time to live goes from a cancelled waiter to the next, in the same instant only", () =>
      leakChecked(
        Effect.gen(function* () {
          const correlator = yield* Correlator.make({ ttl: 0 })
          const hold = () => Effect.forkChild(correlator.receive(approval, "k", () => Effect.never))
          const first = yield* hold()
          yield* settle
          const second = yield* hold()
          yield* settle
          yield* correlator.publish(approval, "k", "x")
          yield* Fiber.interrupt(first)
          expect(yield* correlator.stats).toMatchObject({ waiting: 0, held: 1 })
          yield* Fiber.interrupt(second)
          expect(yield* reasons(correlator)).toEqual(["x: no-waiter"])
          expect(yield* correlator.inspect()).toEqual([])
        })
      )
    )

    it.effect("only the latest are kept, all are counted", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const deadLetters of [0, 3]) {
            const correlator = yield* Correlator.make({ ttl: 0, deadLetters })
            for (let index = 0; index < 20; index++) yield* correlator.publish(approval, "k", String(index))
            expect((yield* correlator.deadLetters).map(({ value }) => value)).toEqual(
              ["17", "18", "19"].slice(0, deadLetters)
            )
            expect((yield* correlator.stats).deadLetters["no-waiter"]).toBe(20)
          }
        })
      )
    )
  })

  describe("close", () => {
    it.effect("who waits fails with a typed error, what is kept or comes later is dead, the stream ends", () =>
      leakChecked(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const correlator = yield* Scope.provide(Correlator.make(), scope)
          const waiter = yield* Effect.forkChild(Effect.flip(correlator.wait(approval, "w", { within: "1 day" })))
          const holder = yield* Effect.forkChild(correlator.receive(approval, "h", () => Effect.never))
          const stream = yield* Effect.forkChild(Stream.runCollect(correlator.deadLetterStream))
          yield* settle
          yield* correlator.publish(approval, "h", "held")
          yield* correlator.publish(approval, "k", "kept")
          yield* Scope.close(scope, Exit.void)
          const error = yield* Fiber.join(waiter)
          expect(error).toBeInstanceOf(CorrelatorClosed)
          expect(error).toMatchObject({ channel: "approval", key: "w" })
          expect((yield* Fiber.join(stream)).map(({ value }) => value)).toEqual(["kept"])
          expect(yield* correlator.publish(approval, "k", "late")).toEqual({ _tag: "DeadLettered", reason: "closed" })
          yield* Fiber.interrupt(holder)
          expect(yield* Effect.flip(correlator.wait(approval, "k"))).toBeInstanceOf(CorrelatorClosed)
          expect(yield* reasons(correlator)).toEqual(["kept: closed", "late: closed", "held: closed"])
          expect(yield* correlator.stats).toMatchObject({ waiting: 0, kept: 0, held: 0, published: 3 })
        })
      )
    )

    it.effect("a waiter that publishes when it hears of the close finds it closed", () =>
      leakChecked(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const correlator = yield* Scope.provide(Correlator.make(), scope)
          const done = yield* Deferred.make<string>()
          for (const key of ["a", "b"]) {
            yield* Effect.forkChild(
              Effect.catch(correlator.wait(approval, key), () =>
                Effect.flatMap(correlator.publish(approval, key === "a" ? "b" : "a", "x"), ({ _tag }) =>
                  Deferred.succeed(done, _tag)
                )
              )
            )
          }
          yield* settle
          yield* Scope.close(scope, Exit.void)
          expect(yield* Deferred.await(done)).toBe("DeadLettered")
        })
      )
    )
  })

  it.effect("many messages with many times to live expire in order, and are taken in order", () =>
    leakChecked(
      Effect.gen(function* () {
        const correlator = yield* Correlator.make({ deadLetters: 2000 })
        const value = Correlator.channel<number>("value")
        for (let index = 0; index < 1000; index++) {
          yield* correlator.publish(value, String(index % 10), index, { ttl: 1 + ((index * 7919) % 1000) })
        }
        // Every second line is emptied, which leaves taken ones among those that wait for their end.
        for (let index = 0; index < 1000; index++) {
          if (index % 2 === 0) expect(yield* correlator.wait(value, String(index % 10))).toBe(index)
        }
        expect(yield* correlator.stats).toMatchObject({ kept: 500, taken: 500 })
        yield* TestClock.adjust(500)
        const half = yield* correlator.deadLetters
        expect(half.every(({ at, publishedAt }) => at - publishedAt <= 500)).toBe(true)
        yield* TestClock.adjust(500)
        const all = yield* correlator.deadLetters
        expect(all.length).toBe(500)
        expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((a, b) => a - b))
        expect(all.every(({ at, value }) => at === 1 + (((value as number) * 7919) % 1000))).toBe(true)
      })
    )
  )

  it.effect("a cancelled waiter without a time limit is gone too, and takes no message (S0x-10)", () =>
    leakChecked(
      Effect.gen(function* () {
        const correlator = yield* Correlator.make()
        const waiter = yield* Effect.forkChild(correlator.wait(approval, "k"))
        yield* settle
        yield* Fiber.interrupt(waiter)
        expect((yield* correlator.publish(approval, "k", "late"))._tag).toBe("Kept")
        expect(yield* correlator.wait(approval, "k")).toBe("late")
      })
    )
  )
})
