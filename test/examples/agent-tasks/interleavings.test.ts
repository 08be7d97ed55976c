/**
 * A thousand seeds each, of the three risks of the plan: a task that ends while it is cancelled, an agent that is told
 * before, while or after it begins to wait, and several cancels at once; and an agent that is interrupted at any step.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import { AgentTasks } from "../../../src/examples/agent-tasks/AgentTasks.ts"
import { joinAllSettled } from "../../../src/examples/agent-tasks/combine/joins.ts"
import { selectOkWithCancel } from "../../../src/examples/agent-tasks/combine/select.ts"
import { AgentContext } from "../../../src/examples/agent-tasks/context/AgentContext.ts"
import { all } from "../../../src/examples/agent-tasks/kinds/all.ts"
import { Sleep } from "../../../src/examples/agent-tasks/kinds/sleepTask.ts"
import * as MockContext from "../../../src/examples/agent-tasks/MockContext.ts"
import { isTerminal } from "../../../src/examples/agent-tasks/table/status.ts"
import { randomFrom, World, wrongSeeds } from "../../support/sim.ts"

type Services = Layer.Success<ReturnType<typeof MockContext.layer<never>>>

const ends = ["TaskCompleted", "TaskFailed", "TaskCancelled", "TaskTimedOut"]

/** Runs the body as an agent in a seeded world; what it answers is what is wrong. */
const run = (
  seed: number,
  body: (random: () => number) => Effect.Effect<string | undefined, unknown, Services>
): string | undefined => {
  const world = new World({ seed, preempt: 0.15 })
  const exit = world.run(
    Effect.scoped(
      Effect.flatMap(Layer.build(MockContext.layer({ tasks: all })), (context) =>
        Effect.provideContext(body(randomFrom(seed * 7 + 1)), context)
      )
    )
  )
  if (exit === undefined) return `it hangs; ${world.left}`
  if (exit._tag === "Failure") return String(exit.cause)
  return exit.value ?? world.left
}

/** Every task has exactly one end, and its status is of that. */
const oneEndEach = Effect.gen(function* () {
  const tasks = yield* AgentTasks
  for (const { id, outcome, status } of yield* tasks.list("agent")) {
    const events = yield* tasks.events("agent", id)
    const last = events.filter(({ _tag }) => ends.includes(_tag))
    if (!isTerminal(status) || outcome === undefined) return `${id} is ${status}`
    if (last.length !== 1) return `${id} has ended ${last.length} times`
    const expected = { completed: 0, failed: 1, cancelled: 2, "timed-out": 3 } as Record<string, number>
    if (last[0]!._tag !== ends[expected[status]!]) return `${id} is ${status} by ${last[0]!._tag}`
  }
  return undefined
})

describe("interleavings", () => {
  it("a cancel against the completion: exactly one terminal state, and the answers agree with it (S4-52, S4-54, S4-57)", () => {
    const tags = new Set<string>()
    const wrong = wrongSeeds(1000, (seed) =>
      run(seed, (random) =>
        Effect.gen(function* () {
          const { schedule, submit } = yield* AgentContext
          const task = yield* schedule(Sleep, { ms: 10 })
          yield* submit
          const cancels = yield* Effect.forEach([0, 1, 2], () =>
            Effect.forkChild(Effect.delay(task.cancel(), 8 + Math.floor(random() * 5)))
          )
          const results = yield* Effect.forEach(cancels, Fiber.join)
          const { status } = yield* task.ended
          for (const { _tag } of results) tags.add(_tag)
          const won = results.filter(({ _tag }) => _tag === "Cancelled").length
          const agree = results.every(({ _tag }) =>
            status === "completed" ? _tag === "AlreadyCompleted" : _tag === "Cancelled" || _tag === "AlreadyCancelled"
          )
          if (!agree) return `${status}, but ${results.map(({ _tag }) => _tag).join()}`
          if (won !== (status === "completed" ? 0 : 1)) return `${won} cancels won`
          return yield* oneEndEach
        })
      )
    )
    expect(wrong).toBeUndefined()
    expect(Array.from(tags).toSorted()).toEqual(["AlreadyCancelled", "AlreadyCompleted", "Cancelled"])
  }, 120_000)

  it("a wait against the transition: nobody who waits is forgotten (S4-53, S4x-22, S4-57)", () => {
    const wrong = wrongSeeds(1000, (seed) =>
      run(seed, (random) =>
        Effect.gen(function* () {
          const tasks = yield* AgentTasks
          const { schedule, submit } = yield* AgentContext
          const handles = yield* Effect.forEach([5, 6, 7], (ms) => schedule(Sleep, { ms }))
          yield* submit
          const ids = handles.map(({ id }) => id)
          const later = () => Math.floor(random() * 9)
          const waiting = yield* Effect.forEach(["all", "any", "all", "any"] as const, (mode) =>
            Effect.forkChild(Effect.delay(tasks.wait("agent", ids, mode), later()))
          )
          const joining = yield* Effect.forkChild(Effect.delay(joinAllSettled(handles), later()))
          yield* Effect.sleep(later())
          yield* handles[Math.floor(random() * 3)]!.cancel()
          const seen = yield* Effect.forEach(waiting, Fiber.join)
          for (const [index, views] of seen.entries()) {
            const count = views.filter(({ status }) => isTerminal(status)).length
            if (index % 2 === 0 ? count !== 3 : count === 0) return `wait ${index} woke with ${count}`
          }
          const { total } = yield* Fiber.join(joining)
          return total === 3 ? yield* oneEndEach : `joined ${total}`
        })
      )
    )
    expect(wrong).toBeUndefined()
  }, 120_000)

  it("a race that is interrupted at any moment leaves no task running, and one that is not names exactly whom it stopped (S4x-01)", () => {
    const wrong = wrongSeeds(1000, (seed) =>
      run(seed, (random) =>
        Effect.gen(function* () {
          const { schedule } = yield* AgentContext
          const racers = yield* Effect.forEach([5, 5, 9, 12], (ms) => schedule(Sleep, { ms }))
          const racing = yield* Effect.forkChild(selectOkWithCancel(racers))
          yield* Effect.sleep(Math.floor(random() * 12))
          if (random() < 0.5) yield* Fiber.interrupt(racing)
          const exit = yield* Fiber.await(racing)
          // Those that were never sent are not in the table, and never will be.
          const tasks = yield* AgentTasks
          const views = yield* tasks.wait(
            "agent",
            (yield* tasks.list("agent")).map(({ id }) => id),
            "all"
          )
          if (exit._tag === "Success") {
            const stopped = racers
              .map(({ id }) => id)
              .filter((id) => views.find((view) => view.id === id)?.status === "cancelled")
            if (stopped.join() !== exit.value.cancelled.join())
              return `stopped ${stopped.join()}, named ${exit.value.cancelled.join()}`
          }
          return yield* oneEndEach
        })
      )
    )
    expect(wrong).toBeUndefined()
  }, 120_000)
})
