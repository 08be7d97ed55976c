import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../../../src/fibers/CancelReason.ts"
import type { AgentTasksError } from "../../../../src/examples/agent-tasks/agentTaskErrors.ts"
import { OwnerCheck } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import { isTerminal, leads, Status } from "../../../../src/examples/agent-tasks/table/status.ts"
import { TaskTable } from "../../../../src/examples/agent-tasks/table/TaskTable.ts"
import type { Assignment } from "../../../../src/examples/agent-tasks/workerMessages.ts"
import { settle } from "../../../support/settle.ts"
import { completed, failed, type Played, tabled } from "../tabled.ts"

const cancelledBy = (assignment: Assignment) => ({
  _tag: "Cancelled" as const,
  reason: CancelReason.stamp(CancelReason.request(), assignment.id, 0),
  how: "interrupted" as const,
  tookMillis: 0
})

/** Brings a fresh task into a status. */
const into = (played: Played, status: string): Effect.Effect<string> =>
  Effect.gen(function* () {
    const id = yield* played.add(status === "timed-out" ? { timeoutMillis: 10 } : {})
    if (status === "timed-out") yield* TestClock.adjust(10)
    if (status === "pending" || status === "timed-out") return id
    const [job] = yield* played.claim()
    if (status === "completed") yield* played.report(job!, completed)
    if (status === "failed") yield* played.report(job!, failed)
    if (status === "cancelling" || status === "cancelled") {
      yield* Effect.orDie(played.tasks.cancelTask("ann", id, { wait: false, reason: { message: "first" } }))
    }
    if (status === "cancelled") yield* played.report(job!, cancelledBy(job!))
    return id
  })

const task = (id: string) => ({ id, kind: "k", input: { same: true } })

describe("TaskTable", () => {
  it("no arrow leaves a terminal status, and each of the others leads to every end that it can have (S4-05, S4-52)", () => {
    const statuses = Status.literals
    const terminal = statuses.filter(isTerminal)
    expect(terminal).toEqual(["completed", "failed", "cancelled", "timed-out"])
    for (const from of terminal) for (const to of statuses) expect(leads(from, to)).toBe(false)
    expect(terminal.map((to) => leads("cancelling", to))).toEqual([true, true, true, true])
    expect(leads("pending", "completed")).toBe(false)
  })

  it.effect(
    "a compare-and-set from a status that has changed meanwhile, or against an arrow, does nothing (S4-52)",
    () =>
      Effect.map(Clock.Clock, (clock) => {
        const table = new TaskTable(clock)
        const row = table.add({ id: crypto.randomUUID(), kind: "k", input: {} }, "ann", undefined)
        const started = { _tag: "TaskStarted", worker: "w", run: 1 } as const
        const done = { _tag: "TaskCompleted", worker: "w", run: 1 } as const
        expect(table.move(row, "pending", "completed", done, completed)).toBe(false)
        expect(table.move(row, "pending", "running", started)).toBe(true)
        expect(table.move(row, "pending", "running", started)).toBe(false)
        expect(table.move(row, "pending", "cancelled", done, completed)).toBe(false)
        expect(table.move(row, "running", "completed", done, completed)).toBe(true)
        expect(table.move(row, "running", "completed", done, completed)).toBe(false)
        expect(table.move(row, "completed", "failed", done, failed)).toBe(false)
        expect([row.status, row.events.length, row.outcome]).toEqual(["completed", 3, completed])
      })
  )

  it.effect(
    "only pending and running tasks can be cancelled; every other one says where it stands (S4-13, S4-24)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const seen: Record<string, unknown> = {}
          for (const status of Status.literals) {
            const id = yield* into(played, status)
            expect(yield* played.status(id)).toBe(status)
            const asking = yield* Effect.forkChild(played.tasks.cancelTask("ann", id, { reason: { message: "mine" } }))
            yield* settle
            const result = asking.pollUnsafe()
            seen[status] =
              result === undefined
                ? `waits, ${yield* played.status(id)}`
                : result._tag === "Success"
                  ? [result.value._tag, "reason" in result.value ? result.value.reason.message : ""]
                  : result
            yield* Fiber.interrupt(asking)
          }
          expect(seen).toEqual({
            pending: ["Cancelled", "mine"],
            running: "waits, cancelling",
            cancelling: "waits, cancelling",
            completed: ["AlreadyCompleted", ""],
            failed: ["AlreadyFailed", ""],
            cancelled: ["AlreadyCancelled", "first"],
            "timed-out": ["AlreadyCancelled", "Not done within 10 ms"]
          })
        })
      )
  )

  it.effect("an unknown id is NotFound, a malformed one an invalid argument that names the field (S4-11, S4-12)", () =>
    tabled(({ tasks }) =>
      Effect.gen(function* () {
        const unknown = crypto.randomUUID()
        expect(yield* tasks.cancelTask("ann", unknown)).toEqual({ _tag: "NotFound", id: unknown })
        expect(yield* Effect.flip(tasks.results("ann", [unknown]))).toMatchObject({ _tag: "TaskNotFound", id: unknown })
        for (const bad of ["", "7", unknown.toUpperCase(), `${unknown}0`, "../etc"]) {
          expect(yield* Effect.flip(tasks.cancelTask("ann", bad))).toMatchObject({
            _tag: "InvalidArgument",
            field: "id"
          })
        }
      })
    )
  )

  it.effect("a cancelled pending task is never handed out (S4-06)", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const first = yield* played.add()
        const second = yield* played.add()
        expect(yield* played.tasks.cancelTask("ann", first)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })
        expect((yield* played.claim(10)).map(({ id }) => id)).toEqual([second])
        expect(yield* played.tags(first)).toEqual(["TaskScheduled", "TaskCancelled"])
      })
    )
  )

  it.effect(
    "a running one is cancelling until its worker says that it has stopped; then Cancelled is answered (S4-14, S4-17, S4-18)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const id = yield* played.add()
          const [job] = yield* played.claim()
          const asking = yield* Effect.forkChild(played.tasks.cancelTask("ann", id, { reason: { message: "enough" } }))
          yield* TestClock.adjust(30)
          expect(asking.pollUnsafe()).toBeUndefined()
          expect(yield* played.status(id)).toBe("cancelling")
          yield* played.report(job!, cancelledBy(job!))
          const result = yield* Fiber.join(asking)
          expect(result).toMatchObject({
            _tag: "Cancelled",
            id,
            reason: { message: "enough", source: "request", by: "ann" }
          })
          expect("took" in result && Duration.toMillis(result.took)).toBe(30)
          expect(yield* played.status(id)).toBe("cancelled")
        })
      )
  )

  it.effect(
    "the event of a cancel has id, type, reason and who asked; a late one leaves an event of its own (S4x-17, S4x-18)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const id = yield* played.add({ kind: "timer" })
          const [job] = yield* played.claim()
          yield* played.tasks.cancelTask("ann", id, { wait: false, reason: { message: "enough", by: "a user" } })
          yield* played.report(job!, cancelledBy(job!))
          yield* played.tasks.cancelTask("ann", id)
          const events = yield* played.tasks.events("ann", id)
          expect(events).toMatchObject([
            { _tag: "TaskScheduled" },
            { _tag: "TaskStarted", worker: "w", run: 1 },
            { _tag: "CancelRequested", requestedBy: "ann", reason: { message: "enough", by: "a user" } },
            {
              _tag: "TaskCancelled",
              id,
              kind: "timer",
              requestedBy: "ann",
              reason: { message: "enough", by: "a user" }
            },
            { _tag: "CancelFailed", requestedBy: "ann", status: "cancelled" }
          ])
          expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
        })
      )
  )

  it.effect("the second and the third cancel succeed too, and change nothing (S4-16, S4-54)", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const id = yield* played.add()
        const [job] = yield* played.claim()
        const asking = yield* Effect.forEach(["first", "second", "third"], (message) =>
          Effect.forkChild(played.tasks.cancelTask("ann", id, { reason: { message } }), { startImmediately: true })
        )
        yield* settle
        yield* played.report(job!, cancelledBy(job!))
        const results = yield* Effect.forEach(asking, Fiber.join)
        expect(results).toMatchObject([
          { _tag: "Cancelled", reason: { message: "first" } },
          { _tag: "AlreadyCancelled", reason: { message: "first" } },
          { _tag: "AlreadyCancelled", reason: { message: "first" } }
        ])
        expect(yield* played.tags(id)).toEqual(["TaskScheduled", "TaskStarted", "CancelRequested", "TaskCancelled"])
      })
    )
  )

  it.effect(
    "a task that completes before the cancel reaches its fiber has completed: one terminal state (S4-49, S4-52)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const id = yield* played.add()
          const [job] = yield* played.claim()
          const asking = yield* Effect.forkChild(played.tasks.cancelTask("ann", id))
          yield* settle
          expect(yield* played.report(job!, completed)).toBe("accepted")
          expect(yield* Fiber.join(asking)).toEqual({ _tag: "AlreadyCompleted", id, duringGrace: true })
          expect(yield* played.report(job!, failed)).toBe("stale")
          expect(yield* played.tasks.results("ann", [id])).toMatchObject([{ status: "completed", outcome: completed }])
          expect(yield* played.tasks.cancelTask("ann", id)).toMatchObject({ _tag: "AlreadyCompleted" })
        })
      )
  )

  it.effect(
    "with giveUp the answer does not wait for the work, which is abandoned; its real end is an event (S4x-25)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const id = yield* played.add()
          const [job] = yield* played.claim()
          const asking = yield* Effect.forkChild(played.tasks.cancelTask("ann", id, { giveUpMillis: 100 }))
          yield* TestClock.adjust(99)
          expect(asking.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect(yield* Fiber.join(asking)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
          yield* TestClock.adjust(1000)
          expect(yield* played.report(job!, completed)).toBe("stale")
          expect((yield* played.tags(id)).slice(-2)).toEqual(["TaskCancelled", "TaskStopped"])
          expect(yield* played.status(id)).toBe("cancelled")
        })
      )
  )

  it.effect("a later cancel may bring the bounds forward, never back, and the worker is told", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const id = yield* played.add()
        const [job] = yield* played.claim()
        const patient = yield* Effect.forkChild(
          played.tasks.cancelTask("ann", id, { graceMillis: 5000, giveUpMillis: 10_000, reason: { message: "first" } })
        )
        yield* TestClock.adjust(10)
        expect((yield* played.link.heartbeat("w", [job!])).cancelling).toMatchObject([{ graceMillis: 4990 }])
        const hasty = yield* Effect.forkChild(played.tasks.cancelTask("ann", id, { giveUpMillis: 50 }))
        yield* settle
        expect((yield* played.link.heartbeat("w", [job!])).cancelling).toMatchObject([
          { graceMillis: 0, reason: { message: "first" } }
        ])
        yield* TestClock.adjust(50)
        expect(yield* Fiber.join(patient)).toMatchObject({ _tag: "Cancelled", how: "abandoned" })
        expect(yield* Fiber.join(hasty)).toMatchObject({ _tag: "AlreadyCancelled", reason: { message: "first" } })
      })
    )
  )

  it.effect(
    "a task that is not cancellable refuses while it is open, and answers as others do once it has ended (S4x-13)",
    () =>
      tabled((played) =>
        Effect.gen(function* () {
          const id = yield* played.add({ cancellable: false })
          expect(yield* Effect.flip(played.tasks.cancelTask("ann", id))).toMatchObject({
            _tag: "WrongState",
            status: "pending"
          })
          const [job] = yield* played.claim()
          expect(yield* Effect.flip(played.tasks.cancelTask("ann", id))).toMatchObject({
            _tag: "WrongState",
            status: "running"
          })
          yield* played.report(job!, completed)
          expect(yield* played.tasks.cancelTask("ann", id)).toMatchObject({
            _tag: "AlreadyCompleted",
            duringGrace: false
          })
        })
      )
  )

  it.effect("a foreign agent is refused, an agent above is not, and the hook decides (S4x-16)", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const id = yield* played.add({}, "ann/below")
        const { tasks } = played
        const calls: ReadonlyArray<Effect.Effect<unknown, AgentTasksError>> = [
          tasks.cancelTask("bob", id),
          tasks.results("bob", [id]),
          tasks.wait("bob", [id], "all"),
          tasks.events("bob", id)
        ]
        for (const call of calls) {
          expect(yield* Effect.flip(call)).toMatchObject({ _tag: "Forbidden", id, caller: "bob" })
        }
        expect(yield* Effect.flip(tasks.cancelTask("an", id))).toMatchObject({ _tag: "Forbidden" })
        expect(yield* tasks.list("bob")).toEqual([])
        expect(yield* tasks.list("ann")).toHaveLength(1)
        const denied = tasks.cancelTask("ann", id).pipe(Effect.provideService(OwnerCheck, () => false))
        expect(yield* Effect.flip(denied)).toMatchObject({ _tag: "Forbidden" })
        expect(yield* tasks.cancelTask("ann", id)).toMatchObject({ _tag: "Cancelled" })
      })
    )
  )

  it.effect("many are told in one step, in the order asked for; each gets its own answer (S4x-20, S4x-25)", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const low = yield* played.add({ priority: -1 })
        const high = yield* played.add({ priority: 9 })
        const fixed = yield* played.add({ cancellable: false })
        const foreign = yield* played.add({}, "bob")
        const unknown = crypto.randomUUID()
        const ids = [high, low, fixed, foreign, unknown]
        const items = yield* played.tasks.cancelMany("ann", ids, {}, "lowest-priority-first")
        expect(items.map(({ error, result }) => result?._tag ?? error)).toEqual([
          "Cancelled",
          "Cancelled",
          `The task "${fixed}" is not cancellable`,
          `The task "${foreign}" belongs to another agent than "ann"`,
          "NotFound"
        ])
        const [first, second] = yield* played.tasks.results("ann", [low, high])
        expect(first!.ended! < second!.ended!).toBe(true)
        const again = yield* played.tasks.cancelMany("ann", [high, high])
        expect(again.map(({ result }) => result?._tag)).toEqual(["AlreadyCancelled", "AlreadyCancelled"])
      })
    )
  )

  it.effect("a batch is taken whole or not at all, and taken once (S4x-08, S4x-10)", () =>
    tabled(
      (played) =>
        Effect.gen(function* () {
          const ids = [crypto.randomUUID(), crypto.randomUUID()]
          const batch = ids.map(task)
          yield* played.tasks.submit("ann", batch)
          yield* played.tasks.submit("ann", batch)
          expect(yield* played.tasks.list("ann")).toHaveLength(2)
          expect(yield* Effect.flip(played.tasks.submit("bob", [task(ids[0]!)]))).toMatchObject({ _tag: "WrongState" })
          const tooMany = [crypto.randomUUID(), crypto.randomUUID()].map(task)
          expect(yield* Effect.flip(played.tasks.submit("ann", tooMany))).toMatchObject({
            _tag: "TooManyTasks",
            maxRunning: 3
          })
          expect(yield* played.tasks.list("ann")).toHaveLength(2)
          yield* played.tasks.cancelTask("ann", ids[0]!)
          const again = crypto.randomUUID()
          const [view] = yield* played.tasks.submit("ann", [{ ...task(again), replaces: ids[0]! }])
          expect(view).toMatchObject({ id: again, attempt: 2, status: "pending" })
          expect((yield* played.claim(5)).map(({ id }) => id)).toEqual([ids[1], again])
        }),
      { maxOpen: 3 }
    )
  )

  it.effect("ended rows are kept by number and for a time, and then not known any more", () =>
    tabled(
      (played) =>
        Effect.gen(function* () {
          const open = yield* played.add({ on: "nobody" })
          const ids = yield* Effect.forEach([1, 2, 3], () => played.add())
          for (const id of ids) yield* played.tasks.cancelTask("ann", id)
          expect((yield* played.tasks.list("ann")).map(({ id }) => id)).toEqual([open, ids[1], ids[2]])
          yield* TestClock.adjust("11 seconds")
          expect(yield* played.tasks.cancelTask("ann", ids[2]!)).toMatchObject({ _tag: "NotFound" })
          expect((yield* played.tasks.list("ann")).map(({ id }) => id)).toEqual([open])
        }),
      { keepCount: 2, keepTime: "10 seconds" }
    )
  )

  it.effect("late cancels of one task leave a bounded number of events", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const id = yield* played.add()
        for (let time = 0; time < 100; time++) yield* played.tasks.cancelTask("ann", id)
        expect((yield* played.tags(id)).length).toBe(18)
      })
    )
  )
})

describe("a deadline", () => {
  it.effect("times out a task that waits or runs, at its instant, for good, whatever retries are left (S4x-19)", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const waits = yield* played.add({ timeoutMillis: 100, on: "nobody" })
        const runs = yield* played.add({ timeoutMillis: 100, retries: 5 })
        const [job] = yield* played.claim()
        yield* TestClock.adjust(60)
        // A heartbeat renews the lease, and nothing else.
        yield* played.link.heartbeat("w", [job!])
        yield* TestClock.adjust(39)
        expect([yield* played.status(waits), yield* played.status(runs)]).toEqual(["pending", "running"])
        yield* TestClock.adjust(1)
        expect([yield* played.status(waits), yield* played.status(runs)]).toEqual(["timed-out", "cancelling"])
        expect((yield* played.link.heartbeat("w", [job!])).cancelling).toMatchObject([
          { id: runs, reason: { source: "timeout", message: "Not done within 100 ms" } }
        ])
        yield* played.report(job!, cancelledBy(job!))
        expect(yield* played.status(runs)).toBe("timed-out")
        expect(yield* played.tags(runs)).toEqual(["TaskScheduled", "TaskStarted", "CancelRequested", "TaskTimedOut"])
        expect(yield* Effect.timeoutOption(played.link.claim("w", 1), 0)).toMatchObject({ _tag: "None" })
      })
    )
  )

  it.effect("that has passed is not undone by a value or a failure that comes a moment later (S4x-19)", () =>
    tabled((played) =>
      Effect.gen(function* () {
        for (const outcome of [completed, failed]) {
          const id = yield* played.add({ timeoutMillis: 100, retries: 3 })
          const [job] = yield* played.claim()
          yield* TestClock.adjust(100)
          yield* played.report(job!, outcome)
          expect(yield* played.status(id)).toBe("timed-out")
        }
      })
    )
  )

  it.effect("gives up on work that does not stop after five seconds", () =>
    tabled((played) =>
      Effect.gen(function* () {
        const id = yield* played.add({ timeoutMillis: 100 })
        yield* played.claim()
        yield* TestClock.adjust(5099)
        expect(yield* played.status(id)).toBe("cancelling")
        yield* TestClock.adjust(1)
        expect(yield* played.tasks.results("ann", [id])).toMatchObject([
          { status: "timed-out", outcome: { how: "abandoned", tookMillis: 5000, reason: { source: "timeout" } } }
        ])
      })
    )
  )
})
