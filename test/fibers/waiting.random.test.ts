/**
 * Tasks that cancel and await each other in clean-up, in shields and where nothing interrupts them, directly and from
 * groups and forks in there, under a seeded scheduler: nobody waits for ever (K13). Outcomes are only awaited of tasks
 * that come later: two that await each other's outcome would wait for ever by themselves.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import * as Join from "../../src/combinators/Join.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Task from "../../src/fibers/Task.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

type Act = Effect.Effect<unknown>

class Plan {
  readonly tasks: Array<Task.Task<unknown>> = []
  readonly count: number
  readonly below: (limit: number) => number

  constructor(random: () => number) {
    this.below = (limit) => Math.floor(random() * limit)
    this.count = 3 + this.below(3)
  }

  private readonly with = (index: number, act: (task: Task.Task<unknown>) => Act): Act =>
    Effect.suspend(() => act(this.tasks[index]!))

  private cancelOf(index: number): Act {
    const grace = this.below(4) === 0 ? this.below(4) : undefined
    return this.with(index, (task) => Task.cancel(task, { grace }))
  }

  /** What the task of this index does when it cleans up. */
  act(self: number, depth: number): Act {
    const other = this.below(this.count)
    const next = () => this.act(self, depth - 1)
    switch (this.below(depth > 0 ? 10 : 4)) {
      case 3:
        return Effect.delay(this.cancelOf(other), this.below(4))
      case 4:
        return Shield.run("shield", next())
      case 5: {
        const [child, body] = [next(), next()]
        return Nursery.run("group", (group: Nursery.Nursery) => Effect.andThen(group.spawn("child", child), body)).pipe(
          Effect.orDie
        )
      }
      case 6:
        return Effect.all([next(), next()], { concurrency: "unbounded" })
      case 7:
        return Effect.exit(Join.all([next(), next()]))
      case 8: {
        const later = self + 1 + other
        if (later >= this.count) return this.cancelOf(other)
        return this.with(later, other % 2 === 0 ? Task.await : (task) => Effect.exit(Join.all([task])))
      }
      case 9:
        return Effect.uninterruptible(next())
      default:
        return this.cancelOf(other)
    }
  }

  task(self: number): Act {
    const scope = Scope.makeUnsafe(this.below(2) === 0 ? "parallel" : "sequential")
    const finalizer = this.below(2) === 0 ? this.act(self, 1) : Effect.void
    const pooled = this.below(3) === 0 ? this.act(self, 1) : undefined
    const setUp = Effect.gen(function* () {
      yield* Effect.addFinalizer(() => finalizer)
      if (pooled === undefined) return
      const pool = yield* Nursery.make("pool")
      yield* pool.spawn("pooled", Effect.ensuring(Effect.never, pooled))
    }).pipe(Scope.provide(scope))
    const close = Scope.close(scope, Exit.void)
    const act = this.act(self, 2)
    const cleanUp = this.below(2) === 0 ? Effect.andThen(act, close) : Effect.andThen(close, act)
    return Effect.andThen(setUp, Effect.ensuring(Effect.sleep(this.below(8) === 0 ? 1 : 10), cleanUp))
  }
}

const scenario = (seed: number, preempt: number): string | undefined => {
  const plan = new Plan(randomFrom(seed))
  const world = new World({ seed, preempt })
  const end = world.run(
    Effect.gen(function* () {
      const top = yield* Nursery.make("top")
      for (let index = 0; index < plan.count; index++) plan.tasks.push(yield* top.spawn(`${index}`, plan.task(index)))
      yield* Effect.sleep(2)
      for (const task of plan.tasks) if (plan.below(2) === 0) yield* Task.requestCancel(task)
      yield* Effect.forEach(plan.tasks, Task.await)
    }).pipe(Effect.scoped)
  )
  return world.left ?? (end?._tag === "Success" ? undefined : "it did not end")
}

const seeds = Number(process.env["SEEDS"] ?? 500)

describe("tasks that wait for each other", () => {
  it.each([0, 0.1, 0.5])("none waits for ever (K13), pauses %f", (preempt) => {
    expect(wrongSeeds(seeds, (seed) => scenario(seed, preempt)) ?? "no seed failed").toBe("no seed failed")
  })
})
