import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import { CurrentNode } from "../../src/fibers/internal/currentNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as OverdueCancel from "../../src/fibers/OverdueCancel.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskMetrics from "../../src/fibers/TaskMetrics.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as Watchdog from "../../src/fibers/Watchdog.ts"
import { type Leaks, leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"

const ann = { reason: CancelReason.request({ by: "ann", message: "not needed" }) }

/** Cleans up for so long after an interrupt. */
const slow = (millis: number): Effect.Effect<never> => Effect.onInterrupt(Effect.never, () => Effect.sleep(millis))

/** A watchdog that writes "1000 path state" for each report. */
const watching = (options?: Omit<Watchdog.WatchdogOptions, "onReport">) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const all: Array<OverdueCancel.OverdueCancel> = []
    const watchdog = yield* Watchdog.make({
      ...options,
      onReport: (overdue) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          for (const cancel of overdue) lines.push(`${now} ${cancel.path} ${cancel.state}`)
          all.push(...overdue)
        })
    })
    return { ...watchdog, lines, all }
  })

/** No fiber beside that of the test, which is not counted. */
const idle = (leaks: Leaks): boolean => leaks.fibers === 0

/** What became of a task of a nursery, with a task below it, after the maximum age. */
const aged = (ages: "services" | "all") =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* Watchdog.make({ maxAge: 1000, ages })
      const top = yield* Nursery.make<unknown>("top")
      const task = yield* top.spawn(
        "outer",
        Nursery.run("n", (n: Nursery.Nursery<unknown>) => n.spawn("inner", Effect.never))
      )
      yield* settle
      yield* TestClock.adjust(1000)
      return yield* Task.poll(task)
    })
  )

describe("Watchdog", () => {
  describe("slow cancels", () => {
    it.effect("a cancel is reported at the threshold: who, since when, why asked, where it sits (K44, S0-64)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { all, lines, overdue } = yield* watching({ threshold: 1000 })
          const top = yield* Nursery.make("top")
          const task = yield* top.spawn(
            "feed",
            Effect.onInterrupt(Effect.never, () => Effect.withSpan(Effect.sleep(5000), "flush"))
          )
          yield* TestClock.adjust(300)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(999)
          expect(lines).toEqual([])
          expect(yield* overdue).toEqual([])
          yield* TestClock.adjust(1)
          expect(lines).toEqual(["1300 top/feed cancelling"])
          expect(all[0]).toMatchObject({
            path: "top/feed",
            name: "feed",
            kind: "task",
            reason: { source: "request", by: "ann", message: "not needed", scope: "feed" },
            askedAt: 300,
            askedMillisAgo: 1000,
            in: "flush",
            waitsFor: [],
            holdsUp: []
          })
          expect(yield* overdue).toEqual(all)
          yield* TestClock.adjust(10_000)
        })
      )
    )

    it.effect("a cancel that ends in time is not reported, and nothing runs while none is under way (K44)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const { lines } = yield* watching({ threshold: 1000 })
          yield* settle
          expect(idle(leaks)).toBe(true)
          const top = yield* Nursery.make("top")
          yield* Task.cancel(yield* top.spawn("quick", Effect.never), ann)
          const task = yield* top.spawn("task", slow(900))
          yield* settle
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(900)
          // The timer of the first cancel, which finds nothing.
          yield* TestClock.adjust(100)
          expect(lines).toEqual([])
          expect(idle(leaks)).toBe(true)
        })
      )
    )

    it.effect("a later cancel under the timer of an earlier one is reported at its own threshold (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { lines } = yield* watching({ threshold: 1000 })
          const top = yield* Nursery.make("top")
          const first = yield* top.spawn("first", slow(10))
          const second = yield* top.spawn("second", slow(5000))
          yield* settle
          yield* Task.requestCancel(first, ann)
          yield* TestClock.adjust(700)
          yield* Task.requestCancel(second, ann)
          yield* TestClock.adjust(999)
          expect(lines).toEqual([])
          yield* TestClock.adjust(1)
          expect(lines).toEqual(["1700 top/second cancelling"])
          yield* TestClock.adjust(5000)
        })
      )
    )

    it.effect("a cancel is reported once, and again whenever its age has doubled (K44)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const { lines } = yield* watching({ threshold: 100 })
          const top = yield* Nursery.make("top")
          const task = yield* top.spawn("t", slow(1000))
          yield* settle
          yield* Task.requestCancel(task, ann)
          for (let step = 0; step < 200; step++) yield* TestClock.adjust(10)
          expect(lines).toEqual([100, 200, 400, 800].map((at) => `${at} top/t cancelling`))
          expect(idle(leaks)).toBe(true)
        })
      )
    )

    it.effect("of a tree only what holds it up is reported; an ancestor when it does so itself (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { lines } = yield* watching({ threshold: 100 })
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn(
            "outer",
            Effect.onInterrupt(
              Nursery.run("n", (nursery: Nursery.Nursery<unknown>) =>
                Effect.andThen(nursery.spawn("leaf", slow(250)), nursery.spawn("quick", slow(20)))
              ),
              () => Effect.sleep(200)
            )
          )
          yield* settle
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(100)
          expect(lines).toEqual(["100 top/outer/n/leaf cancelling"])
          yield* TestClock.adjust(100)
          expect(lines.slice(1)).toEqual(["200 top/outer/n/leaf cancelling"])
          // It ends at 250; who holds it up now is looked for once in each threshold, not only at the next doubling.
          yield* TestClock.adjust(100)
          expect(lines.slice(2)).toEqual(["300 top/outer cancelling"])
          yield* TestClock.adjust(1000)
        })
      )
    )

    it.effect("who was told to stop for another reason says which cancels it holds up, each in time (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { all, lines } = yield* watching({ threshold: 100 })
          const top = yield* Nursery.make<unknown>("top")
          const task = yield* top.spawn("task", Race.firstSuccess({ quick: Effect.yieldNow, loser: slow(1000) }))
          yield* settle
          yield* TestClock.adjust(130)
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(100)
          // At the threshold, at twice its age, and when the other cancel is overdue.
          expect(lines).toEqual([100, 200, 230].map((at) => `${at} top/task/race/loser cancelling`))
          expect(all.map(({ reason }) => reason.source)).toEqual(["lost-race", "lost-race", "lost-race"])
          expect(all.map(({ holdsUp }) => holdsUp.map(({ by }) => by))).toEqual([[], [], ["ann"]])
          expect(OverdueCancel.toText(all[2]!)).toContain('; holds up request by "ann" of "task", "not needed"')
          yield* TestClock.adjust(2000)
        })
      )
    )

    it.effect("says in which state it is: grace, held off, closing, straggling (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { lines } = yield* watching({ threshold: 100 })
          const top = yield* Nursery.make<unknown>("top")
          const grace = yield* top.spawn("grace", Effect.never)
          const held = yield* top.spawn("held", Effect.uninterruptible(Join.all({ part: Effect.sleep(150) })))
          const closing = yield* top.spawn(
            "closing",
            Effect.andThen(
              Effect.addFinalizer(() => Effect.sleep(150)),
              Effect.never
            )
          )
          const straggler = yield* top.spawn("straggler", slow(150))
          const commits = yield* top.spawn("commits", Task.commit(Effect.sleep(150), { within: 1000 }))
          yield* settle
          yield* Task.requestCancel(grace, { ...ann, grace: 150 })
          yield* Task.requestCancel(held, ann)
          yield* Task.requestCancel(closing, ann)
          yield* Task.cancel(straggler, { ...ann, giveUp: 0 })
          yield* Task.requestCancel(commits, ann)
          yield* TestClock.adjust(100)
          expect(lines.toSorted()).toEqual([
            "100 top/closing closing",
            "100 top/commits committing",
            "100 top/grace grace",
            "100 top/held/join/part held-off",
            "100 top/straggler straggling"
          ])
          yield* TestClock.adjust(100)
        })
      )
    )

    it.effect("what an interrupted task runs in its clean-up is named (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { all } = yield* watching({ threshold: 100 })
          const top = yield* Nursery.make("top")
          const task = yield* top.spawn(
            "task",
            Effect.onInterrupt(Effect.never, () =>
              Effect.ignore(Nursery.run("save all", (n: Nursery.Nursery) => n.spawn("file", Effect.sleep(150))))
            )
          )
          yield* settle
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(100)
          expect(all).toMatchObject([{ path: "top/task", waitsFor: ['nursery "save all"'] }])
          yield* TestClock.adjust(100)
        })
      )
    )

    it.effect("cancels from before the watchdog are reported too, the overdue ones at once (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const top = yield* Nursery.make("top")
          const old = yield* top.spawn("old", slow(1000))
          const young = yield* top.spawn("young", slow(1000))
          yield* settle
          yield* Task.requestCancel(old, ann)
          yield* TestClock.adjust(150)
          yield* Task.requestCancel(young, ann)
          const { lines } = yield* watching({ threshold: 100 })
          yield* settle
          expect(lines).toEqual(["150 top/old cancelling"])
          yield* TestClock.adjust(100)
          expect(lines.slice(1)).toEqual(["250 top/young cancelling"])
          yield* TestClock.adjust(1000)
        })
      )
    )

    it.effect("a task that interrupts itself and then hangs in its scope is reported (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { all } = yield* watching({ threshold: 100 })
          const top = yield* Nursery.make("top")
          yield* top.spawn(
            "self",
            Effect.andThen(
              Effect.addFinalizer(() => Effect.sleep(150)),
              Effect.interrupt
            )
          )
          yield* TestClock.adjust(100)
          expect(all).toMatchObject([{ path: "top/self", state: "closing", reason: { source: "interrupt" } }])
          yield* TestClock.adjust(100)
        })
      )
    )

    it.effect(
      "a tree 20,000 deep, counted and watched, costs no stack and no time that grows with the square (K6, K44)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const { all, lines } = yield* watching({ threshold: 100, maxAge: 5000, ages: "all" })
            yield* TaskMetrics.make
            const bottom = yield* Deferred.make<void>()
            const chain = (depth: number): Effect.Effect<unknown, unknown> =>
              depth === 0
                ? Effect.onInterrupt(Effect.andThen(Deferred.succeed(bottom, undefined), Effect.never), () =>
                    Effect.sleep(150)
                  )
                : Nursery.run("n", (n: Nursery.Nursery<unknown>) =>
                    n.spawn(
                      "t",
                      Effect.suspend(() => chain(depth - 1))
                    )
                  )
            const top = yield* Nursery.make<unknown>("top")
            const task = yield* top.spawn("task", chain(20_000))
            yield* Deferred.await(bottom)
            yield* Task.requestCancel(task, ann)
            yield* TestClock.adjust(100)
            expect(lines).toHaveLength(1)
            expect(all[0]!.path.split("/")).toHaveLength(40_002)
            yield* TestClock.adjust(100)
            expect((yield* Task.await(task))._tag).toBe("Cancelled")
          })
        ).pipe(Effect.provideService(Metric.MetricRegistry, new Map())),
      20_000
    )

    it.effect("by default it warns in the log, in one entry with at most ten lines (K44)", () => {
      const entries: Array<{ readonly level: string; readonly message: string }> = []
      const logger = Logger.make(({ logLevel, message }) => {
        entries.push({ level: logLevel, message: String(message) })
      })
      return leakChecked(
        Effect.gen(function* () {
          yield* Watchdog.make({ threshold: 100 })
          const top = yield* Nursery.make("top")
          for (let index = 0; index < 12; index++) yield* top.spawn(`t${index}\nforged`, slow(150))
          yield* settle
          yield* Effect.forkChild(top.cancel(ann))
          yield* TestClock.adjust(100)
          expect(entries).toHaveLength(1)
          expect(entries[0]!.level).toBe("Warn")
          const lines = entries[0]!.message.split("\n  ")
          expect(lines).toHaveLength(12)
          expect(lines[0]).toBe("Cancels do not end: 12 hold them up")
          expect(lines[1]).toBe(
            'task "top/t0\\nforged" was told to stop 100ms ago; request by "ann" of "top", "not needed"; in its clean-up or where it cannot be interrupted'
          )
          expect(lines[11]).toBe("and 2 more")
          yield* TestClock.adjust(100)
        })
      ).pipe(Effect.provide(Logger.layer([logger])))
    })

    it.effect("a report that fails or dies is logged and is not the last one (K44)", () => {
      const entries: Array<string> = []
      const logger = Logger.make(({ message }) => {
        entries.push(String(message))
      })
      return leakChecked(
        Effect.gen(function* () {
          let reports = 0
          yield* Watchdog.make({
            threshold: 100,
            onReport: () => {
              reports++
              throw new Error("broken")
            }
          })
          const top = yield* Nursery.make("top")
          const task = yield* top.spawn("t", slow(250))
          yield* settle
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(300)
          expect(reports).toBe(2)
          expect(entries[0]).toContain("The report of the watchdog failed")
        })
      ).pipe(Effect.provide(Logger.layer([logger])))
    })

    it.effect("it ends with its scope: no timer, no report, also in the middle of one (K44, K45)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const seen: Array<string> = []
          yield* Scope.provide(
            Watchdog.make({
              threshold: 100,
              onReport: () =>
                Effect.onInterrupt(Effect.never, () =>
                  Effect.sync(() => {
                    seen.push("interrupted")
                  })
                )
            }),
            scope
          )
          const top = yield* Nursery.make("top")
          const task = yield* top.spawn("t", slow(1000))
          yield* settle
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(100)
          yield* Scope.close(scope, Exit.void)
          expect(seen).toEqual(["interrupted"])
          const late = yield* top.spawn("late", slow(100))
          yield* settle
          yield* Task.requestCancel(late, ann)
          yield* TestClock.adjust(500)
          expect(leaks.fibers).toBe(1)
          yield* TestClock.adjust(1000)
        })
      )
    )

    it.effect("a report may end the watchdog itself (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          let reports = 0
          yield* Scope.provide(
            Watchdog.make({
              threshold: 100,
              onReport: () => {
                reports++
                return Scope.close(scope, Exit.void)
              }
            }),
            scope
          )
          const top = yield* Nursery.make("top")
          const task = yield* top.spawn("t", slow(1000))
          yield* settle
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(1000)
          expect(reports).toBe(1)
        })
      )
    )

    it.effect("a report may use the tree: what it starts is not part of what it reports (K44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const paths: Array<string> = []
          const top = yield* Nursery.make("top")
          const inside = yield* Deferred.make<void>()
          // Made by a task that is itself cancelled.
          const task = yield* top.spawn(
            "owner",
            Effect.onInterrupt(
              Effect.scoped(
                Effect.gen(function* () {
                  yield* Effect.addFinalizer(() => Effect.sleep(300))
                  yield* Watchdog.make({
                    threshold: 100,
                    onReport: (overdue) =>
                      Effect.gen(function* () {
                        expect((yield* CurrentNode).kind).toBe("root")
                        yield* Effect.orDie(Join.all({ mail: Effect.sleep(50) }))
                        paths.push(...overdue.map(({ path }) => path))
                      })
                  })
                  yield* Deferred.succeed(inside, undefined)
                  yield* Effect.never
                })
              ),
              () => Effect.sleep(1000)
            )
          )
          yield* Deferred.await(inside)
          const other = yield* top.spawn("other", slow(1000))
          yield* settle
          yield* Task.requestCancel(other, ann)
          yield* TestClock.adjust(120)
          yield* TestClock.adjust(30)
          expect(paths).toEqual(["top/other"])
          yield* Task.requestCancel(task, ann)
          yield* TestClock.adjust(5000)
        })
      )
    )
  })

  describe("maximum age", () => {
    it.effect("a task of a service is cancelled with source watchdog when it reaches the age, not before (S1-63)", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* Watchdog.make({ maxAge: 1000 })
          const tasks = yield* Tasks
          const first = yield* tasks.start("first", Effect.never)
          yield* TestClock.adjust(400)
          const second = yield* tasks.start("second", Effect.never)
          yield* tasks.start("short", Effect.sleep(10))
          yield* TestClock.adjust(599)
          expect((yield* tasks.list).map(({ state }) => state)).toEqual(["running", "running", "completed"])
          yield* TestClock.adjust(1)
          expect(yield* Task.await(first)).toMatchObject({
            _tag: "Cancelled",
            reason: { source: "watchdog", by: "watchdog", message: "It ran for longer than 1s", scope: "first" }
          })
          yield* TestClock.adjust(399)
          expect((yield* tasks.list)[1]!.state).toBe("running")
          yield* TestClock.adjust(1)
          expect((yield* Task.await(second))._tag).toBe("Cancelled")
        }).pipe(Effect.provide(Tasks.layer()))
      )
    )

    it.effect("the preset cancels an execution after one hour (S3x-13, S1-62)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          const tasks = yield* Tasks
          const task = yield* tasks.start("run", Effect.never)
          // Also one that ran before the watchdog came.
          yield* TestClock.adjust("10 minutes")
          yield* Watchdog.make(Watchdog.executions)
          yield* TestClock.adjust(50 * 60_000 - 1)
          expect((yield* tasks.list)[0]!.state).toBe("running")
          yield* TestClock.adjust(1)
          expect(yield* Task.await(task)).toMatchObject({
            reason: { source: "watchdog", message: "It ran for longer than 1h" }
          })
          // The timer of the threshold of that cancel.
          yield* TestClock.adjust("10 seconds")
          expect(idle(leaks)).toBe(true)
        }).pipe(Effect.provide(Tasks.layer()))
      )
    )

    it.effect("the age may depend on the task; one with an infinite age is left alone (S1-62)", () =>
      leakChecked((leaks) =>
        Effect.gen(function* () {
          yield* Watchdog.make({
            maxAge: ({ name }) => (name === "import" ? 5000 : name === "feed" ? Infinity : 1000)
          })
          yield* settle
          const tasks = yield* Tasks
          for (const id of ["feed", "import", "other"]) yield* tasks.start(id, Effect.never)
          yield* settle
          // Three tasks and one timer, that of the nearest limit.
          expect(leaks.fibers).toBe(4)
          const states = Effect.map(tasks.list, (list) => list.map(({ id, state }) => `${id} ${state}`))
          yield* TestClock.adjust(1000)
          expect(yield* states).toEqual(["feed running", "import running", "other cancelled"])
          yield* TestClock.adjust(4000)
          expect(yield* states).toEqual(["feed running", "import cancelled", "other cancelled"])
          yield* TestClock.adjust("1 day")
          expect((yield* states)[0]).toBe("feed running")
        }).pipe(Effect.provide(Tasks.layer()))
      )
    )

    it.effect("tasks of nurseries have no maximum age unless it is asked for (S1-62)", () =>
      leakChecked(
        Effect.gen(function* () {
          expect((yield* aged("services"))._tag).toBe("None")
          expect(yield* aged("all")).toMatchObject({ value: { _tag: "Cancelled", reason: { scope: "outer" } } })
        })
      )
    )

    it.effect("what is cancelled with its parent keeps what holds the cancel off (S1-62)", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* Watchdog.make({ maxAge: 1000, ages: "all" })
          const top = yield* Nursery.make<unknown>("top")
          let saved: Task.Task<string> | undefined
          const task = yield* top.spawn(
            "outer",
            Effect.uninterruptible(
              Nursery.run("n", (n: Nursery.Nursery<unknown>) =>
                Effect.map(n.spawn("save", Effect.as(Effect.sleep(1500), "saved")), (inner) => {
                  saved = inner
                })
              )
            )
          )
          yield* settle
          yield* TestClock.adjust(2000)
          expect((yield* Task.await(saved!))._tag).toBe("Completed")
          expect(yield* Task.await(task)).toMatchObject({ _tag: "Cancelled", reason: { source: "watchdog" } })
        })
      )
    )

    it.effect("the first reason stays, and the policy bounds what is being cancelled already (S3x-13)", () =>
      leakChecked(
        Effect.gen(function* () {
          yield* Watchdog.make({ maxAge: 1000, policy: { giveUp: 100 } })
          const tasks = yield* Tasks
          const task = yield* tasks.start("t", slow(5000))
          yield* TestClock.adjust(500)
          yield* tasks.requestCancel("t", ann)
          yield* TestClock.adjust(599)
          expect((yield* tasks.list)[0]!.state).toBe("cancelling")
          yield* TestClock.adjust(1)
          expect(yield* Task.await(task)).toMatchObject({ how: "abandoned", reason: { source: "request", by: "ann" } })
          yield* TestClock.adjust(5000)
        }).pipe(Effect.provide(Tasks.layer()))
      )
    )

    it.effect("a function that throws is logged, and the others keep their limits", () => {
      const entries: Array<string> = []
      const logger = Logger.make(({ message }) => {
        entries.push(String(message))
      })
      return leakChecked(
        Effect.gen(function* () {
          yield* Watchdog.make({
            maxAge: ({ name }) => {
              if (name === "bad") throw new Error("no such limit")
              return 1000
            }
          })
          const tasks = yield* Tasks
          yield* tasks.start("bad", Effect.sleep(3000))
          const good = yield* tasks.start("good", Effect.never)
          yield* TestClock.adjust(1000)
          expect((yield* Task.await(good))._tag).toBe("Cancelled")
          yield* TestClock.adjust(2000)
          expect((yield* tasks.list)[0]!.state).toBe("completed")
          expect(entries).toHaveLength(1)
          expect(entries[0]).toContain('The maximum age of "tasks/bad" is unknown')
        }).pipe(Effect.provide(Tasks.layer()))
      ).pipe(Effect.provide(Logger.layer([logger])))
    })

    it.effect("a duration that cannot be meant is a defect (K33)", () =>
      leakChecked(
        Effect.gen(function* () {
          for (const options of [{ threshold: NaN }, { threshold: -1 }, { maxAge: NaN }]) {
            const exit = yield* Effect.exit(Effect.scoped(Watchdog.make(options)))
            expect(exit).toMatchObject({ cause: { reasons: [{ defect: { name: "InvalidDuration" } }] } })
          }
        })
      )
    )
  })
})
