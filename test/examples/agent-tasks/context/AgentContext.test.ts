import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as CancelReason from "../../../../src/fibers/CancelReason.ts"
import { AgentTasks } from "../../../../src/examples/agent-tasks/AgentTasks.ts"
import { Unreachable } from "../../../../src/examples/agent-tasks/agentTaskErrors.ts"
import { joinAll, joinAllSettled } from "../../../../src/examples/agent-tasks/combine/joins.ts"
import { AgentContext } from "../../../../src/examples/agent-tasks/context/AgentContext.ts"
import * as MakeContext from "../../../../src/examples/agent-tasks/context/makeContext.ts"
import { Fail } from "../../../../src/examples/agent-tasks/kinds/failTask.ts"
import { Sleep } from "../../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import { inTime, mocked, settled } from "../mocked.ts"

/** A context whose every request is written down. */
const counted = (broken: { down: boolean } = { down: false }) =>
  Effect.gen(function* () {
    const tasks = yield* AgentTasks
    const requests: Array<string> = []
    const note = <A, E>(what: string, effect: Effect.Effect<A, E>) =>
      Effect.suspend((): Effect.Effect<A, E | Unreachable> => {
        requests.push(what)
        return broken.down ? Effect.fail(new Unreachable({ url: "-", message: "down" })) : effect
      })
    const service = AgentTasks.of({
      submit: (caller, batch) => note(`submit ${batch.length}`, tasks.submit(caller, batch)),
      results: (caller, ids) => note("results", tasks.results(caller, ids)),
      wait: (caller, ids, mode) => note(`wait ${mode} ${ids.length}`, tasks.wait(caller, ids, mode)),
      cancelTask: (caller, id, call) => note("cancel", tasks.cancelTask(caller, id, call)),
      cancelMany: (caller, ids, call, order) =>
        note(`cancel ${ids.length}`, tasks.cancelMany(caller, ids, call, order)),
      list: (caller) => note("list", tasks.list(caller)),
      events: (caller, id) => note("events", tasks.events(caller, id))
    })
    const context = yield* MakeContext.make({ name: "agent" }).pipe(Effect.provideService(AgentTasks, service))
    return { ...context, requests }
  })

describe("AgentContext", () => {
  it.effect(
    "schedules lazily: ten tasks are one request, and waiting for all of them one at a time (S4x-10, S4x-24 batch of ten)",
    () =>
      mocked(
        Effect.gen(function* () {
          const { requests, schedule } = yield* counted()
          const tasks = yield* Effect.forEach(Array.from({ length: 10 }), () => schedule(Sleep, { ms: 20 }))
          yield* settled
          yield* TestClock.adjust(100)
          expect(requests).toEqual([])
          expect(yield* inTime(joinAll(tasks))).toHaveLength(10)
          expect(requests.filter((request) => request.startsWith("submit"))).toEqual(["submit 10"])
          expect(requests.slice(0, 2)).toEqual(["submit 10", "wait any 10"])
        })
      )
  )

  it.effect("cancelling a task that was not sent drops it without a request; it never runs (S4x-11)", () =>
    mocked(
      Effect.gen(function* () {
        const { cancelTask, requests, schedule } = yield* counted()
        const dropped = yield* schedule(Sleep, { ms: 20 })
        const kept = yield* schedule(Sleep, { ms: 20 })
        const reason = CancelReason.request({ by: "ann", message: "changed my mind" })
        expect(yield* dropped.cancel({ reason })).toMatchObject({ _tag: "Cancelled", reason: { by: "ann" } })
        expect(yield* cancelTask(dropped.id)).toMatchObject({ _tag: "AlreadyCancelled", reason: { by: "ann" } })
        expect(requests).toEqual([])
        expect(yield* dropped.status).toBe("cancelled")
        const joined = yield* inTime(joinAllSettled([dropped, kept]))
        expect(joined).toMatchObject({
          cancelled: [{ id: dropped.id, reason: { message: "changed my mind" } }],
          completed: [{ id: kept.id }]
        })
        expect(requests[0]).toBe("submit 1")
        expect((yield* (yield* AgentTasks).list("agent")).map(({ id }) => id)).toEqual([kept.id])
      })
    )
  )

  it.effect("cancels what it scheduled, by handle and by id, with one result each (S4-01, S4-08, S4-23, S4-35)", () =>
    mocked(
      Effect.gen(function* () {
        const { cancelTask, schedule, submit } = yield* AgentContext
        const [byHandle, byId] = [yield* schedule(Sleep, { ms: 500 }), yield* schedule(Sleep, { ms: 500 })]
        yield* submit
        yield* settled
        const first = yield* byHandle.cancel()
        const second = yield* cancelTask(byId.id)
        expect(first).toMatchObject({ _tag: "Cancelled", id: byHandle.id, how: "interrupted", reason: { by: "agent" } })
        expect({ ...second, id: "", reason: "", took: "" }).toEqual({ ...first, id: "", reason: "", took: "" })
        expect(yield* cancelTask(crypto.randomUUID())).toMatchObject({ _tag: "NotFound" })
        expect(yield* Effect.flip(cancelTask("nonsense"))).toMatchObject({ _tag: "InvalidArgument", field: "id" })
      })
    )
  )

  it.effect(
    "the mock honours the state of a task: a failed one is AlreadyFailed, a completed one AlreadyCompleted (S4-24, S4-26)",
    () =>
      mocked(
        Effect.gen(function* () {
          const { schedule } = yield* AgentContext
          const [done, fails] = [yield* schedule(Sleep, { ms: 10 }), yield* schedule(Fail, { ms: 10, message: "no" })]
          yield* inTime(joinAllSettled<unknown>([done, fails]))
          expect(yield* done.cancel()).toEqual({ _tag: "AlreadyCompleted", id: done.id, duringGrace: false })
          expect(yield* fails.cancel()).toEqual({ _tag: "AlreadyFailed", id: fails.id, duringGrace: false })
          expect(yield* done.join).toEqual({ sleptMillis: 10 })
        })
      )
  )

  it.effect("an agent that waits wakes in the moment of the cancel (S4-15)", () =>
    mocked(
      Effect.gen(function* () {
        const { cancelTask, schedule } = yield* AgentContext
        const task = yield* schedule(Sleep, { ms: 10_000 })
        const waiting = yield* Effect.forkChild(Effect.flip(task.join))
        yield* settled
        yield* TestClock.adjust(70)
        yield* cancelTask(task.id)
        yield* settled
        expect(yield* Fiber.join(waiting)).toMatchObject({ _tag: "TaskCancelled", task: task.id })
      })
    )
  )

  it.effect("a submission that fails is tried again by the next who waits, and is typed", () =>
    mocked(
      Effect.gen(function* () {
        const broken = { down: true }
        const { schedule } = yield* counted(broken)
        const task = yield* schedule(Sleep, { ms: 10 })
        expect(yield* inTime(Effect.flip(task.join))).toMatchObject({ _tag: "Unreachable" })
        broken.down = false
        expect(yield* inTime(task.join)).toEqual({ sleptMillis: 10 })
      })
    )
  )

  it.effect("whoever leaves while its batch is on the way takes nobody's tasks along", () =>
    mocked(
      Effect.gen(function* () {
        const tasks = yield* AgentTasks
        const slow = AgentTasks.of({
          ...tasks,
          submit: (caller, batch) => Effect.delay(tasks.submit(caller, batch), 50)
        })
        const { schedule } = yield* MakeContext.make({ name: "agent" }).pipe(Effect.provideService(AgentTasks, slow))
        const task = yield* schedule(Sleep, { ms: 10 })
        const leaver = yield* Effect.forkChild(task.join)
        yield* settled
        const cancelling = yield* Effect.forkChild(task.cancel())
        yield* settled
        yield* Fiber.interrupt(leaver)
        // It waits until the batch has arrived, and then asks the server.
        expect(yield* inTime(Fiber.join(cancelling))).toMatchObject({ _tag: "Cancelled" })
        expect(yield* tasks.results("agent", [task.id])).toMatchObject([{ status: "cancelled" }])
      })
    )
  )

  it.effect(
    "an agent that is interrupted or fails cancels what it left open; one that succeeds leaves it running",
    () =>
      mocked(
        Effect.gen(function* () {
          const tasks = yield* AgentTasks
          const ends = {
            success: Exit.void,
            failure: Exit.fail("no"),
            interrupt: Exit.interrupt()
          }
          const statuses: Record<string, string> = {}
          for (const [name, exit] of Object.entries(ends)) {
            const scope = yield* Scope.make()
            const agent = yield* MakeContext.make({ name }).pipe(Effect.provideService(Scope.Scope, scope))
            const task = yield* agent.schedule(Sleep, { ms: 1000 })
            yield* agent.submit
            yield* settled
            yield* Scope.close(scope, exit)
            statuses[name] = (yield* tasks.results(name, [task.id]))[0]!.status
          }
          expect(statuses).toEqual({ success: "running", failure: "cancelled", interrupt: "cancelled" })
        })
      )
  )

  it.effect("two agents are isolated: neither sees nor cancels what is the other's (S4x-24 concurrent agents)", () =>
    mocked(
      Effect.gen(function* () {
        const [ann, bob] = [yield* MakeContext.make({ name: "ann" }), yield* MakeContext.make({ name: "bob" })]
        const [hers, his] = [yield* ann.schedule(Sleep, { ms: 50 }), yield* bob.schedule(Sleep, { ms: 50 })]
        yield* Effect.all([ann.submit, bob.submit])
        expect(yield* Effect.flip(bob.cancelTask(hers.id))).toMatchObject({ _tag: "Forbidden", caller: "bob" })
        yield* ann.cancelTask(hers.id)
        expect(yield* inTime(his.join)).toEqual({ sleptMillis: 50 })
      })
    )
  )

  it.effect(
    "server timeouts: three tasks of five seconds with a limit of one have all timed out after one (S4x-24 server timeout)",
    () =>
      mocked(
        Effect.gen(function* () {
          const { schedule } = yield* AgentContext
          const tasks = yield* Effect.forEach([1, 2, 3], () =>
            schedule(Sleep, { ms: 5000 }, { timeout: "1 second", retries: 3 })
          )
          const joining = yield* Effect.forkChild(joinAllSettled(tasks))
          yield* settled
          yield* TestClock.adjust(999)
          yield* settled
          expect(joining.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          yield* settled
          const joined = yield* Fiber.join(joining)
          expect(joined.timedOut.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id))
          expect(yield* tasks[0]!.status).toBe("timed-out")
          expect(yield* Effect.forEach(tasks, ({ ended }) => Effect.map(ended, ({ run }) => run))).toEqual([1, 1, 1])
        })
      )
  )

  it.effect("phases one after another: two, one, three (S4x-24 mixed phases)", () =>
    mocked(
      Effect.gen(function* () {
        const { schedule } = yield* AgentContext
        const phase = (count: number) =>
          Effect.flatMap(
            Effect.forEach(Array.from({ length: count }), () => schedule(Sleep, { ms: 10 })),
            joinAll
          )
        const lengths = yield* inTime(
          Effect.forEach([2, 1, 3], (count) => Effect.map(phase(count), ({ length }) => length))
        )
        expect(lengths).toEqual([2, 1, 3])
      })
    )
  )
})

const child = (mode: "hard" | "graceful", agent: (name: string) => Effect.Effect<unknown, unknown, AgentContext>) =>
  Effect.gen(function* () {
    const parent = yield* AgentContext
    const started = yield* parent.child("below", agent("below"))
    yield* settled
    yield* TestClock.adjust(10)
    yield* settled
    const cancelling = yield* Effect.forkChild(
      started.cancel(
        mode === "hard"
          ? { mode, reason: CancelReason.request({ by: "ann", message: "now" }) }
          : { mode, timeout: 100, reason: CancelReason.request({ by: "ann", message: "soon" }) }
      )
    )
    return { started, cancelling }
  })

describe("a child agent", () => {
  it.effect(
    "cancelled hard is interrupted at once, and its tasks with it, all with the same reason (S4x-14, S4x-18)",
    () =>
      mocked(
        Effect.gen(function* () {
          let id = ""
          const { cancelling, started } = yield* child("hard", () =>
            Effect.gen(function* () {
              const { schedule } = yield* AgentContext
              const task = yield* schedule(Sleep, { ms: 5000 })
              id = task.id
              return yield* task.join
            })
          )
          yield* settled
          expect(yield* Fiber.join(cancelling)).toMatchObject({
            _tag: "Cancelled",
            id: "agent/below",
            how: "interrupted"
          })
          expect(yield* started.await).toMatchObject({ _tag: "Cancelled", reason: { by: "ann", message: "now" } })
          const [view] = yield* (yield* AgentTasks).results("agent", [id])
          expect(view).toMatchObject({
            owner: "agent/below",
            status: "cancelled",
            outcome: { reason: { by: "ann", message: "now" } }
          })
          expect(yield* started.cancel({ mode: "hard" })).toMatchObject({ _tag: "AlreadyCancelled" })
        })
      )
  )

  it.effect(
    "cancelled gracefully is asked, can clean up, and is interrupted only after the timeout (S4x-13, S4x-14, S4x-25)",
    () =>
      mocked(
        Effect.gen(function* () {
          const seen: Array<string> = []
          const polite = yield* child("graceful", () =>
            Effect.gen(function* () {
              const { cancellationRequested } = yield* AgentContext
              while (Option.isNone(yield* cancellationRequested)) yield* Effect.sleep(10)
              seen.push("asked")
              yield* Effect.sleep(20)
              seen.push("saved")
              return "in time"
            })
          )
          expect(yield* inTime(Fiber.join(polite.cancelling))).toMatchObject({
            _tag: "AlreadyCompleted",
            duringGrace: true
          })
          expect(yield* polite.started.join).toBe("in time")
          expect(seen).toEqual(["asked", "saved"])

          const deaf = yield* child("graceful", () => Effect.never)
          yield* settled
          yield* TestClock.adjust(99)
          expect(deaf.cancelling.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect(yield* Fiber.join(deaf.cancelling)).toMatchObject({ _tag: "Cancelled", how: "interrupted" })

          const checks = yield* child("graceful", () =>
            Effect.gen(function* () {
              const { checkCancellation } = yield* AgentContext
              yield* Effect.forever(Effect.andThen(Effect.sleep(10), checkCancellation))
            })
          )
          expect(yield* inTime(Fiber.join(checks.cancelling))).toMatchObject({ _tag: "Cancelled", how: "cooperative" })
        })
      )
  )

  it.effect("is cancelled when its budget is used up: of tasks, and of time (S4x-13)", () =>
    mocked(
      Effect.gen(function* () {
        const parent = yield* AgentContext
        const greedy = yield* parent.child(
          "greedy",
          Effect.gen(function* () {
            const { schedule } = yield* AgentContext
            for (let count = 0; ; count++) yield* schedule(Sleep, { ms: count })
          }),
          { budget: { tasks: 3 } }
        )
        expect(yield* inTime(greedy.await)).toMatchObject({
          reason: { source: "watchdog", by: "agent/greedy", message: "The budget of 3 tasks is used up" }
        })
        const slow = yield* parent.child("slow", Effect.never, { budget: { time: "2 seconds" } })
        expect(yield* inTime(slow.await)).toMatchObject({ reason: { message: "The budget of 2s is used up" } })
        const quick = yield* parent.child("quick", Effect.succeed(1), { budget: { time: "2 seconds", tasks: 1 } })
        expect(yield* inTime(quick.join)).toBe(1)
      })
    )
  )

  it.effect("goes with its parent, which waits for it (S4x-14)", () =>
    mocked(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const parent = yield* MakeContext.make({ name: "parent" }).pipe(Effect.provideService(Scope.Scope, scope))
        let id = ""
        const below = yield* parent.child(
          "below",
          Effect.gen(function* () {
            const task = yield* (yield* AgentContext).schedule(Sleep, { ms: 5000 })
            id = task.id
            return yield* task.join
          })
        )
        yield* settled
        yield* Scope.close(scope, Exit.interrupt())
        expect(yield* below.await).toMatchObject({ _tag: "Cancelled", reason: { source: "scope-closed" } })
        expect(yield* (yield* AgentTasks).results("parent", [id])).toMatchObject([{ status: "cancelled" }])
      })
    )
  )

  it.effect("that fails, fails whoever joins it, typed", () =>
    mocked(
      Effect.gen(function* () {
        const parent = yield* AgentContext
        const below = yield* parent.child("below", Effect.fail("no" as const))
        const outcome = yield* inTime(below.await)
        expect(outcome._tag === "Failed" && Cause.squash(outcome.cause)).toBe("no")
        expect(yield* Effect.flip(below.join)).toBe("no")
      })
    )
  )
})
