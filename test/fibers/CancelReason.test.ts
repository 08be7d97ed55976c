import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const ann = { reason: CancelReason.request({ by: "ann" }) }

/** Every way in which Effect itself runs a fiber below. */
const natives = (journal: Journal): Record<string, Effect.Effect<unknown, unknown, never>> => {
  const one = journal.watch("one", Effect.never)
  const two = journal.watch("two", Effect.never)
  return {
    "Effect.all": Effect.all([one, two], { concurrency: "unbounded" }),
    "Effect.forEach": Effect.forEach([one, two], (effect) => effect, { concurrency: 2 }),
    "Effect.race": Effect.race(one, two),
    "Effect.raceFirst": Effect.raceFirst(one, two),
    "Effect.timeout": Effect.timeout(one, "1 hour"),
    "Effect.forkChild": Effect.andThen(Effect.forkChild(one), two),
    "Effect.forkScoped": Effect.scoped(Effect.andThen(Effect.forkScoped(one), two)),
    "FiberMap.run": Effect.scoped(
      Effect.gen(function* () {
        const map = yield* FiberMap.make<string>()
        yield* FiberMap.run(map, "a", one)
        yield* two
      })
    ),
    "Stream.runForEach": Stream.runForEach(Stream.make(1), () => one),
    "Stream.mapEffect": Stream.runDrain(
      Stream.mapEffect(Stream.make(one, two), (effect) => effect, { concurrency: 2 })
    ),
    acquireRelease: Effect.scoped(
      Effect.andThen(
        Effect.acquireRelease(Effect.void, () =>
          Effect.flatMap(CancelReason.current, (reason) =>
            journal.note(`released: ${Option.isSome(reason) ? `request by ${reason.value.by} of task` : "nothing"}`)
          )
        ),
        one
      )
    ),
    acquireUseRelease: Effect.acquireUseRelease(
      Effect.void,
      () => one,
      () =>
        Effect.flatMap(CancelReason.current, (reason) =>
          journal.note(`released: ${Option.isSome(reason) ? `request by ${reason.value.by} of task` : "nothing"}`)
        )
    )
  }
}

describe("CancelReason", () => {
  describe("current", () => {
    for (const name of Object.keys(natives(new Journal()))) {
      it.effect(`is read below ${name}, in descendants of descendants (K18)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const top = yield* Nursery.make<unknown>("top")
            const task = yield* top.spawn(
              "task",
              Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
                Effect.gen(function* () {
                  yield* nursery.spawn("child", natives(journal)[name]!)
                  yield* natives(journal)[name]!
                })
              )
            )
            yield* settle
            yield* Task.cancel(task, ann)
            yield* settle
            expect(journal.lines.length).toBeGreaterThanOrEqual(2)
            for (const line of journal.lines) expect(line).toMatch(/: request by ann of task$/)
          })
        )
      )
    }

    it.effect("is the same value for all descendants and on the outcome (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const seen = new Set<unknown>()
          const look = Effect.onExit(Effect.never, () =>
            Effect.map(CancelReason.current, (reason) => {
              seen.add(Option.getOrUndefined(reason))
            })
          )
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn("task", Effect.all([look, Nursery.run("n", () => look)], { concurrency: 2 }))
          yield* settle
          const result = yield* Task.cancel(task, ann)
          expect(seen.size).toBe(1)
          expect(result._tag === "Cancelled" && seen.has(result.reason)).toBe(true)
        })
      )
    )

    it.effect("is None while nothing was interrupted, and for a native race loser that nobody cancelled (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn("task", Effect.race(Effect.sleep(10), journal.watch("loser", Effect.never)))
          expect(Option.isNone(yield* CancelReason.current)).toBe(true)
          yield* settle
          yield* TestClock.adjust(10)
          yield* Task.await(task)
          expect(journal.lines).toEqual(["10 loser: interrupted without a reason"])
        })
      )
    )

    it.effect("answers nothing in a straggler, whose task has its outcome (K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn(
            "task",
            journal.watch("outer", journal.watch("inner", Effect.never, Effect.sleep(50)))
          )
          yield* settle
          yield* Task.cancel(task, { ...ann, giveUp: 0 })
          yield* TestClock.adjust(50)
          expect(journal.lines).toEqual([
            "0 inner: request by ann of task",
            "50 inner: cleaned up",
            "50 outer: interrupted without a reason"
          ])
        })
      )
    )

    it.effect("whoever joins a cancelled task does not read that task's reason (K18, K22)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn("task", Effect.never)
          const joiner = yield* top.spawn("joiner", journal.watch("joiner", Effect.ignore(Task.join(task))))
          yield* settle
          yield* Task.cancel(task, ann)
          expect((yield* Task.await(joiner))._tag).toBe("Completed")
          expect(journal.lines).toEqual(["0 joiner: done"])
        })
      )
    )
  })

  describe("sources", () => {
    it.effect("two that come close together are told apart: the first counts (K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make<unknown>("top")
          const body = Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
            Effect.gen(function* () {
              yield* nursery.spawn("child", journal.watch("child", Effect.never))
              yield* Task.awaitRequest
              return yield* Effect.fail("body")
            })
          )
          // A request with grace, to which the body answers by failing: the request was first.
          const first = yield* top.spawn("first", Effect.exit(body))
          yield* settle
          const fiber = yield* Effect.forkChild(Task.cancel(first, { ...ann, grace: 100 }))
          yield* TestClock.adjust(100)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["0 child: request by ann of first"])
        })
      )
    )

    it.effect("a sibling's failure and a request in the same turn: who came first is read by all (K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const top = yield* Nursery.make<unknown>("top")
          const gate = yield* Deferred.make<never, string>()
          const task = yield* top.spawn(
            "task",
            Nursery.run("n", (nursery: Nursery.Nursery<string>) =>
              Effect.gen(function* () {
                yield* nursery.spawn("x", journal.watch("x", Effect.never))
                yield* nursery.spawn("bad", Deferred.await(gate))
                yield* Effect.never
              })
            )
          )
          yield* settle
          yield* Deferred.fail(gate, "bad")
          yield* settle
          yield* Task.cancel(task, ann)
          expect(journal.lines).toEqual(["0 x: sibling-failed by bad of n"])
        })
      )
    )

    it("each has its own constructor, with a message of its own (K19)", () => {
      const drafts = [
        CancelReason.request(),
        CancelReason.timeout(),
        CancelReason.lostRace(),
        CancelReason.siblingFailed(),
        CancelReason.bodyFailed(),
        CancelReason.scopeClosed(),
        CancelReason.superseded(),
        CancelReason.shutdown(),
        CancelReason.disconnect(),
        CancelReason.watchdog(),
        CancelReason.interrupt()
      ]
      expect(new Set(drafts.map(({ source }) => source)).size).toBe(11)
      expect(new Set(drafts.map(({ message }) => message)).size).toBe(11)
    })
  })

  describe("Wire", () => {
    const wire = Schema.fromJsonString(CancelReason.Wire)
    const roundTrip = (reason: CancelReason.CancelReason) => Schema.decodeSync(wire)(Schema.encodeSync(wire)(reason))

    it("encodes and decodes every source to an equal value (K21)", () => {
      for (const source of CancelReason.Source.literals) {
        for (const reason of [
          CancelReason.stamp({ source, message: "why" }, "scope", 1_700_000_000_123),
          CancelReason.stamp({ source, message: "", by: "ann", detail: { a: [1, null, "x"] } }, "a/b", 0),
          CancelReason.stamp({ source, message: "why", detail: null }, "scope", 5)
        ]) {
          const back = roundTrip(reason)
          expect(back).toBeInstanceOf(CancelReason.CancelReason)
          expect(back).toEqual(reason)
          expect(Equal.equals(back, reason)).toBe(true)
        }
      }
    })

    it("decodes an unknown source to interrupt, with the original in detail (K21)", () => {
      const json = { source: "cosmic-ray", message: "flip", scope: "s", at: "2026-01-01T00:00:00.000Z" }
      const reason = Schema.decodeUnknownSync(CancelReason.Wire)(json)
      expect([reason.source, reason.detail]).toEqual(["interrupt", { source: "cosmic-ray" }])
      const again = Schema.decodeUnknownSync(CancelReason.Wire)({ ...json, detail: { n: 1 } })
      expect(again.detail).toEqual({ source: "cosmic-ray", detail: { n: 1 } })
      expect(roundTrip(reason)).toEqual(reason)
    })

    it("refuses what is not a reason (K21)", () => {
      for (const bad of [null, {}, { source: "request", message: 1, scope: "s", at: "x" }]) {
        expect(() => Schema.decodeUnknownSync(CancelReason.Wire)(bad)).toThrow(/Expected|Missing|Invalid/)
      }
    })

    it("JSON.stringify of a reason is its wire form (K21)", () => {
      const reason = CancelReason.stamp({ source: "request", message: "why", by: "ann" }, "scope", 0)
      expect(Schema.decodeUnknownSync(CancelReason.Wire)(JSON.parse(JSON.stringify(reason)))).toEqual(reason)
    })
  })

  describe("values", () => {
    it.effect("the detail and the asker of a draft are read by whoever is cancelled, with the instant (K19, K21)", () =>
      leakChecked(
        Effect.gen(function* () {
          const nursery = yield* Nursery.make("top")
          const read: Array<CancelReason.CancelReason> = []
          for (const detail of [{ ticket: 1 }, { ticket: 2 }]) {
            const task = yield* nursery.spawn("task", Effect.never)
            yield* TestClock.adjust(10)
            yield* Task.cancel(task, { reason: CancelReason.request({ by: "ann", detail }) })
            const outcome = yield* Task.await(task)
            if (outcome._tag === "Cancelled") read.push(outcome.reason)
          }
          expect(read.map(({ at, by, detail }) => [at.epochMilliseconds, by, detail])).toEqual([
            [10, "ann", { ticket: 1 }],
            [20, "ann", { ticket: 2 }]
          ])
        })
      )
    )

    it("of a cause that two cancels have left the first one counts (K8, K18)", () => {
      const causes = ["ann", "bob"].map((by) => {
        const reason = CancelReason.stamp(CancelReason.request({ by }), "task", 0)
        const ended = { cleanupFailures: [], salvaged: [] }
        const outcome = { _tag: "Cancelled", reason, how: "interrupted", took: Duration.zero, ...ended } as const
        const exit = TaskOutcome.toExit<never, never, never>(outcome)
        return exit._tag === "Failure" ? exit.cause : Cause.empty
      })
      const both = Cause.fromReasons(causes.flatMap(({ reasons }) => reasons))
      expect(Option.map(CancelReason.fromCause(both), ({ by }) => by)).toEqual(Option.some("ann"))
    })
  })
})
