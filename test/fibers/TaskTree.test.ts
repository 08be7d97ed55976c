import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskTree from "../../src/fibers/TaskTree.ts"
import { leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const ann = { reason: CancelReason.request({ by: "ann", message: "not needed" }) }

/** A chain of nurseries, one task a level; the leaf opens `bottom` and then runs `leaf`. */
const chain = (
  depth: number,
  leaf: Effect.Effect<void>,
  onEnd: (level: number) => void
): Effect.Effect<void, unknown> =>
  Effect.onExit(
    depth === 0
      ? leaf
      : Effect.asVoid(
          Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
            nursery.spawn(
              "t",
              Effect.suspend(() => chain(depth - 1, leaf, onEnd))
            )
          )
        ),
    () => Effect.sync(() => onEnd(depth))
  )

const deep = 20_000

const snapshotOf = (depth: number) =>
  leakChecked(
    Effect.gen(function* () {
      const bottom = yield* Deferred.make<void>()
      const top = yield* Nursery.make<unknown>("top")
      const task = yield* top.spawn(
        "task",
        chain(depth, Effect.andThen(Deferred.succeed(bottom, undefined), Effect.never), () => {})
      )
      yield* Deferred.await(bottom)
      const snapshot = yield* TaskTree.snapshot
      let levels = 0
      let ids = 0
      for (let node = snapshot.tree; node.children.length > 0; node = node.children.at(-1)!) {
        levels++
        ids += node.id.length
      }
      expect(levels).toBeGreaterThanOrEqual(2 * depth)
      const text = TaskTree.toText(snapshot)
      expect(text.split("\n").length).toBeGreaterThanOrEqual(2 * depth)
      yield* Task.cancel(task)
      return { ids, text: text.length }
    })
  )

describe("TaskTree", () => {
  it.effect(
    "a tree 20,000 deep is cancelled leaves first, without stack overflow or a lost finalizer (K6)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const ended: Array<number> = []
          const bottom = yield* Deferred.make<void>()
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn(
            "task",
            chain(deep, Effect.andThen(Deferred.succeed(bottom, undefined), Effect.never), (level) => ended.push(level))
          )
          yield* Deferred.await(bottom)
          expect(yield* Task.cancel(task, ann)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
          expect(ended).toHaveLength(deep + 1)
          expect(ended.every((level, index) => level === index)).toBe(true)
        })
      ),
    20_000
  )

  it.effect(
    "a tree 20,000 deep completes, leaves first (K6)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          const ended: Array<number> = []
          yield* chain(deep, Effect.void, (level) => ended.push(level))
          expect(ended).toHaveLength(deep + 1)
          expect(ended.every((level, index) => level === index)).toBe(true)
        })
      ),
    20_000
  )

  it.effect(
    "a tree 20,000 deep whose leaf fails, fails at the root with every finalizer run (K3, K6)",
    () =>
      leakChecked(
        Effect.gen(function* () {
          let ended = 0
          const exit = yield* Effect.exit(chain(deep, Effect.die("leaf"), () => ended++))
          expect(exit).toMatchObject({ _tag: "Failure" })
          expect(ended).toBe(deep + 1)
        })
      ),
    20_000
  )

  it.effect(
    "a snapshot of a tree 2,000 deep, and its text, do not overflow the stack (K43)",
    () => snapshotOf(2000),
    20_000
  )

  it.effect(
    "a snapshot of a tree 20,000 deep, and its text, do not overflow the stack or the heap (K43)",
    () =>
      // What grows with the square of the depth is gigabytes at 20,000: look at 1,000 first, so as to fail and not to die.
      Effect.flatMap(snapshotOf(1000), ({ text, ids }) => {
        expect(ids, "characters of all ids of a chain of 1,000").toBeLessThan(1_000_000)
        expect(text, "characters of the text of a chain of 1,000").toBeLessThan(1_000_000)
        return snapshotOf(deep)
      }),
    20_000
  )

  it.effect("names every open scope and task with state, age and reason, as text and as JSON (K43)", () =>
    leakChecked(
      Effect.gen(function* () {
        const top = yield* Nursery.make<unknown>("top")
        const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep(100))
        yield* top.spawn("runs", Effect.withSpan(Effect.andThen(Effect.yieldNow, Effect.sleep(100)), "reading"))
        const asked = yield* top.spawn("asked", slow)
        const stopping = yield* top.spawn(
          "stopping",
          Nursery.run("inner", (nursery: Nursery.Nursery<unknown>) => nursery.spawn("leaf", slow))
        )
        const stuck = yield* top.spawn("stuck", slow)
        yield* settle
        yield* TestClock.adjust(10)
        yield* Task.requestCancel(asked, { ...ann, grace: 1000 })
        yield* Task.requestCancel(stopping, ann)
        yield* Task.cancel(stuck, { ...ann, giveUp: 0 })
        yield* TestClock.adjust(5)
        yield* top.spawn("waits", Effect.void)
        const snapshot = yield* TaskTree.snapshot
        const text = TaskTree.toText(snapshot)
        expect(text).toContain("root (root) running")
        expect(text).toContain("  top (nursery) running")
        expect(text).toMatch(/\n {4}runs \(task\) running for 15 ms/)
        expect(text).toContain('    asked (task) requested for 15 ms asked 5 ms ago: request by ann, "not needed"')
        expect(text).toContain("    stopping (task) cancelling for 15 ms asked 5 ms ago: request by ann")
        expect(text).toMatch(/\n {6}inner \(nursery\) cancelling/)
        expect(text).toMatch(/\n {8}leaf \(task\) cancelling for 15 ms asked 5 ms ago/)
        expect(text).toMatch(/\n {4}waits \(task\) waiting/)
        expect(text).toMatch(/\nstragglers\n {2}stuck \(task\) straggling for 15 ms asked 5 ms ago/)
        const back = Schema.decodeUnknownSync(TaskTree.Wire)(
          JSON.parse(JSON.stringify(Schema.encodeSync(TaskTree.Wire)(snapshot.tree)))
        )
        expect(back).toEqual(snapshot.tree)
        // The data itself is JSON.
        expect(JSON.parse(JSON.stringify(snapshot)).tree.children[0].name).toBe("top")
        yield* TestClock.adjust(1100)
      })
    )
  )

  it.effect("says who is waited for after a body has returned (K2, K43)", () =>
    leakChecked(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(
          Nursery.run("n", (nursery: Nursery.Nursery<unknown>) => nursery.spawn("slow", Effect.sleep(50)))
        )
        yield* settle
        const text = TaskTree.toText(yield* TaskTree.snapshot)
        expect(text).toContain("slow (task) running")
        expect(text).not.toContain("body")
        yield* TestClock.adjust(50)
        yield* Fiber.join(fiber)
        expect((yield* TaskTree.snapshot).tree.children).toEqual([])
      })
    )
  )

  it.effect("a span that a task is in is named (K43)", () =>
    leakChecked(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(
          Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
            nursery.spawn("task", Effect.withSpan(Effect.sleep(10), "reading the file"))
          )
        )
        yield* settle
        expect(TaskTree.toText(yield* TaskTree.snapshot)).toMatch(/task \(task\) .*in reading the file/)
        yield* TestClock.adjust(10)
        yield* Fiber.join(fiber)
      })
    )
  )

  it.effect("a scope has one id as long as it lives (K43)", () =>
    leakChecked(
      Effect.gen(function* () {
        yield* Nursery.make("top")
        const before = yield* TaskTree.snapshot
        yield* Nursery.make("other")
        const after = yield* TaskTree.snapshot
        const [top, other] = after.tree.children
        expect([after.tree.id, top?.id]).toEqual([before.tree.id, before.tree.children[0]?.id])
        expect(other?.id).not.toBe(top?.id)
      })
    )
  )
})
