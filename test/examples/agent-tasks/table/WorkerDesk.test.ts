import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../../../src/fibers/CancelReason.ts"
import { settle } from "../../../support/settle.ts"
import { completed, failed, tabled } from "../tabled.ts"

describe("WorkerDesk", () => {
  it.effect(
    "hands out the highest priority first, then the oldest, and what is meant for one worker only to that one (S4x-25)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const old = yield* played.add()
          const other = yield* played.add({ on: "v", priority: 99 })
          const high = yield* played.add({ priority: 5 })
          const mine = yield* played.add({ on: "w", priority: 3 })
          const young = yield* played.add()
          expect((yield* played.claim(10)).map(({ id }) => id)).toEqual([high, mine, old, young])
          expect((yield* played.link.claim("v", 10)).map(({ id }) => id)).toEqual([other])
        })
      )
  )

  it.effect("who claims waits for work without asking again, and gets all of a batch that it has room for", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const first = yield* Effect.forkChild(played.link.claim("w", 3))
        const second = yield* Effect.forkChild(played.link.claim("v", 3))
        yield* settle
        const batch = Array.from({ length: 5 }, () => ({ id: crypto.randomUUID(), kind: "k", input: {} }))
        yield* played.tasks.submit("ann", batch)
        expect((yield* Fiber.join(first)).map(({ id }) => id)).toEqual(batch.slice(0, 3).map(({ id }) => id))
        expect((yield* Fiber.join(second)).map(({ id }) => id)).toEqual(batch.slice(3).map(({ id }) => id))
      })
    )
  )

  it.effect("a claim that is interrupted takes nothing", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const claiming = yield* Effect.forkChild(played.link.claim("w", 1))
        yield* settle
        yield* Fiber.interrupt(claiming)
        const id = yield* played.add()
        expect(yield* played.status(id)).toBe("pending")
      })
    )
  )

  it.effect(
    "retries what failed, as often as asked, as further runs of the same task; then it has failed (S4x-19)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const id = yield* played.add({ retries: 2 })
          for (const run of [1, 2, 3]) {
            const [job] = yield* played.claim()
            expect(job).toMatchObject({ id, run })
            yield* played.report(job!, failed)
          }
          expect(yield* played.tags(id)).toEqual([
            "TaskScheduled",
            "TaskStarted",
            "TaskRetried",
            "TaskStarted",
            "TaskRetried",
            "TaskStarted",
            "TaskFailed"
          ])
        })
      )
  )

  it.effect("does not retry a task that was told to stop, nor what no retry can help", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const told = yield* played.add({ retries: 2 })
        const [job] = yield* played.claim()
        const asking = yield* Effect.forkChild(played.tasks.cancelTask("ann", told))
        yield* settle
        yield* played.report(job!, failed)
        expect(yield* Fiber.join(asking)).toEqual({ _tag: "AlreadyFailed", id: told, duringGrace: true })
        const unknown = yield* played.add({ retries: 2 })
        const [second] = yield* played.claim()
        yield* played.report(second!, { ...failed, _tag: "Failed", error: "?", fault: "unknown-kind" })
        expect(yield* played.status(unknown)).toBe("failed")
      })
    )
  )

  it.effect(
    "a worker that falls silent loses its tasks when the lease ends: failed, retried, or, if told to stop, abandoned",
    () =>
      tabled(
        (played) =>
          Effect.gen(function* () {
            const plain = yield* played.add()
            const again = yield* played.add({ retries: 1 })
            const told = yield* played.add()
            const jobs = yield* played.claim(3)
            yield* TestClock.adjust(900)
            yield* played.link.heartbeat("w", jobs)
            yield* played.tasks.cancelTask("ann", told, { wait: false })
            yield* TestClock.adjust(999)
            expect(yield* played.status(plain)).toBe("running")
            yield* TestClock.adjust(1)
            expect(yield* played.tasks.results("ann", [plain, again, told])).toMatchObject([
              { status: "failed", outcome: { fault: "worker-lost", error: { title: 'The worker "w" was lost' } } },
              { status: "pending" },
              { status: "cancelled", outcome: { how: "abandoned" } }
            ])
            // It was only slow: what it says of its old runs changes nothing, and it is told to drop them.
            const [second] = yield* played.link.claim("v", 1)
            expect(second).toMatchObject({ id: again, run: 2 })
            expect(yield* played.report(jobs[1]!, completed)).toBe("stale")
            expect((yield* played.link.heartbeat("w", jobs)).stale.map(({ id }) => id)).toEqual([plain, again, told])
            expect(yield* played.status(again)).toBe("running")
          }),
        { lease: 1000 }
      )
  )

  it.effect("a worker that shuts down hands back what runs; what was told to stop has stopped", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const reported = yield* played.add()
        const silent = yield* played.add()
        const told = yield* played.add()
        const jobs = yield* played.claim(3)
        const reason = CancelReason.stamp(CancelReason.shutdown(), "w", 0)
        yield* played.report(jobs[0]!, { _tag: "Cancelled", reason, how: "interrupted", tookMillis: 0 })
        expect(yield* played.tags(reported)).toEqual(["TaskScheduled", "TaskStarted", "TaskReturned"])
        yield* played.tasks.cancelTask("ann", told, { wait: false })
        yield* played.link.leave("w")
        expect(yield* Effect.forEach([reported, silent, told], played.status)).toEqual([
          "pending",
          "pending",
          "cancelled"
        ])
        expect((yield* played.link.claim("v", 5)).map(({ id, run }) => [id, run])).toEqual([
          [reported, 2],
          [silent, 2]
        ])
      })
    )
  )

  it.effect("what a worker says of an earlier run of a task that it has again changes nothing", () =>
    tabled(
      (played) =>
        Effect.gen(function* () {
          const id = yield* played.add({ retries: 1 })
          const [first] = yield* played.claim()
          yield* TestClock.adjust(1000)
          const [second] = yield* played.claim()
          expect([first!.run, second!.run]).toEqual([1, 2])
          expect(yield* played.report(first!, failed)).toBe("stale")
          expect(yield* played.status(id)).toBe("running")
          expect((yield* played.link.heartbeat("w", [first!, second!])).stale).toMatchObject([{ id, run: 1 }])
          expect(yield* played.report(second!, completed)).toBe("accepted")
        }),
      { lease: 1000 }
    )
  )

  it.effect("a task that cancels itself is cancelled, with its own reason", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const id = yield* played.add({ retries: 3 })
        const [job] = yield* played.claim()
        const reason = CancelReason.stamp(CancelReason.interrupt(), "w", 0)
        yield* played.report(job!, { _tag: "Cancelled", reason, how: "cooperative", tookMillis: 0 })
        expect(yield* played.tasks.results("ann", [id])).toMatchObject([
          { status: "cancelled", outcome: { reason: { source: "interrupt" }, how: "cooperative" } }
        ])
      })
    )
  )

  it.effect("whoever begins to listen late hears of every cancel that is under way (S4-53)", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const early = yield* played.add()
        const late = yield* played.add()
        yield* played.claim(2)
        yield* played.tasks.cancelTask("ann", early, { wait: false, reason: { message: "before" } })
        const hearing = yield* Effect.forkChild(Stream.runCollect(Stream.take(played.link.notices("w"), 2)))
        yield* settle
        yield* played.tasks.cancelTask("ann", late, { wait: false, reason: { message: "after" } })
        expect(yield* Fiber.join(hearing)).toMatchObject([
          { id: early, run: 1, reason: { message: "before" } },
          { id: late, run: 1, reason: { message: "after" } }
        ])
      })
    )
  )
})
