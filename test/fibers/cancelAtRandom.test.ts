/**
 * The laws marked † under a seeded scheduler: random programs, random order of
 * fibers, pauses at random operations, and a cancel after a random step.
 */
import * as Cause from "effect/Cause"
import { Clock as ClockService } from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import { CurrentNode } from "../../src/fibers/internal/currentNode.ts"
import type { TaskNode } from "../../src/fibers/internal/taskNode.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskEvent from "../../src/fibers/TaskEvent.ts"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import { wrongSeeds, randomFrom, World } from "../support/sim.ts"

/** Who was acquired and how often it was released, and what each interrupted one read. */
class Ledger {
  readonly released = new Map<string, number>()
  readonly wrong: Array<string> = []
  private next = 0
  /** The task of the program: once it is interrupted every interrupted finalizer must read a reason. */
  node: TaskNode | undefined

  guard<A, E, R>(effect: Effect.Effect<A, E, R>, pause = 0): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const name = `g${this.next++}`
      return Effect.onExit(
        Effect.suspend(() => {
          this.released.set(name, 0)
          return effect
        }),
        (exit) =>
          Effect.withFiber((fiber) => {
            if (!this.released.has(name)) return Effect.void
            this.released.set(name, this.released.get(name)! + 1)
            // A native loser in a member that the cancel has not reached: nobody cancelled it.
            const structural = !fiber.getRef(CurrentNode).interrupted
            return Effect.andThen(
              Effect.map(CancelReason.current, (reason) => {
                const interrupted = exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
                if (interrupted && !structural && Option.isNone(reason)) this.wrong.push(`${name} read no reason`)
                // "interrupt" is a nursery that loses a native race.
                if (Option.isSome(reason) && !["request", "scope-closed", "interrupt"].includes(reason.value.source))
                  this.wrong.push(`${name} read ${reason.value.source}`)
              }),
              pause > 0 ? Effect.sleep(pause) : Effect.void
            )
          })
      )
    })
  }

  get problem(): string | undefined {
    for (const [name, times] of this.released) if (times !== 1) return `${name} was released ${times} times`
    return this.wrong[0]
  }
}

/** A random program of depth at most `depth`. */
const program = (random: () => number, ledger: Ledger, depth: number): Effect.Effect<unknown> => {
  const below = () => program(random, ledger, depth - 1)
  const pause = Math.floor(random() * 4)
  const choice = depth === 0 ? Math.floor(random() * 3) : Math.floor(random() * 10)
  const inner = (): Effect.Effect<unknown> => {
    switch (choice) {
      case 0:
        return Effect.sleep(1 + Math.floor(random() * 20))
      case 1:
        return Effect.uninterruptible(Effect.sleep(1 + Math.floor(random() * 5)))
      case 2:
        return Effect.yieldNow
      case 3:
      case 4:
      case 5: {
        const children = Array.from({ length: 1 + Math.floor(random() * 3) }, below)
        const body = below()
        const background = random() < 0.3
        return Nursery.run("n", (nursery: Nursery.Nursery) =>
          Effect.andThen(
            Effect.forEach(children, (child, index) => nursery.spawn(`c${index}`, child, { background })),
            body
          )
        ).pipe(Effect.orDie)
      }
      case 6:
        return Effect.race(below(), below())
      case 7:
        return Effect.all([below(), below(), below()], { concurrency: 2 })
      case 8:
        return Effect.scoped(Effect.andThen(Effect.forkScoped(below()), below()))
      default: {
        const value = below()
        return Nursery.run("n", (nursery: Nursery.Nursery) =>
          Effect.timeoutOption(
            nursery.spawnReady("s", (ready: (value: number) => Effect.Effect<void>) =>
              Effect.andThen(value, Effect.andThen(ready(1), Effect.sleep(3)))
            ),
            10
          ).pipe(Effect.ignore)
        ).pipe(Effect.orDie)
      }
    }
  }
  return ledger.guard(Effect.suspend(inner), pause)
}

const scenario = (
  seed: number,
  options: { readonly preempt: number; readonly grace?: number; readonly giveUp?: number }
) => {
  const run = (at: number | undefined) => {
    const random = randomFrom(seed)
    const ledger = new Ledger()
    let node: TaskNode | undefined
    let asked = false
    const results: Array<CancelResult> = []
    const events: Array<TaskEvent.TaskEvent> = []
    let outcome: TaskOutcome.TaskOutcome<unknown, unknown, unknown> | undefined
    const world: World = new World({
      seed: seed * 31 + 7,
      preempt: options.preempt,
      ...(at === undefined
        ? {}
        : {
            at: {
              step: at,
              run: () => {
                if (node === undefined) return
                const task = node
                asked = true
                for (const by of ["ann", "bob"]) {
                  Effect.runFork(
                    world.leaks
                      .within(
                        Effect.map(
                          Task.cancel(task as never, {
                            reason: CancelReason.request({ by }),
                            grace: options.grace,
                            giveUp: options.giveUp
                          }),
                          (result) => {
                            results.push(result)
                          }
                        )
                      )
                      .pipe(Effect.provideService(ClockService, world.clock)),
                    { scheduler: world }
                  )
                }
              }
            }
          })
    })
    const exit = world.run(
      Effect.scoped(
        Effect.gen(function* () {
          const tasks = yield* Tasks
          const task = yield* tasks.start("root", program(random, ledger, 3), { history: 1000 })
          node = ledger.node = task as never
          const reader = yield* Effect.forkChild(
            Stream.runForEach(tasks.events("root"), (event) =>
              Effect.sync(() => {
                events.push(event)
              })
            )
          )
          outcome = yield* Task.await(task)
          yield* Effect.timeoutOption(Fiber.await(reader), 1000)
        })
      ).pipe(Effect.provide(Tasks.layer()))
    )
    const terminals = events.filter(TaskEvent.isTerminal)
    const problem =
      world.left ??
      (exit === undefined ? "stuck" : undefined) ??
      (exit!._tag === "Failure" ? Cause.pretty(exit!.cause) : undefined) ??
      ledger.problem ??
      (terminals.length !== 1 ? `${terminals.length} terminal events` : undefined) ??
      (events.some((event, index) => event.seq !== index + 1) ? "a gap in the events" : undefined) ??
      (outcome!._tag !== terminals[0]!._tag ? `outcome ${outcome!._tag}, event ${terminals[0]!._tag}` : undefined) ??
      (node!.interrupted && outcome!._tag !== "Cancelled" ? `${outcome!._tag} after an interrupt` : undefined) ??
      (outcome!._tag === "Cancelled" && at === undefined ? "cancelled by nobody" : undefined) ??
      (outcome!._tag === "Failed" ? "failed" : undefined) ??
      (results.some((result) => result._tag === "Cancelled" && result.reason !== (outcome as any).reason)
        ? "a winner's reason is not that of the outcome"
        : undefined) ??
      (asked && results.length !== 2 ? `${results.length} of 2 cancels answered` : undefined) ??
      (results.filter(({ _tag }) => _tag === "Cancelled").length > 1 ? "two winners" : undefined)
    return { problem, steps: world.steps }
  }
  const calm = run(undefined)
  if (calm.problem !== undefined) return `without a cancel: ${calm.problem}`
  const { steps } = calm
  const at = 1 + Math.floor(randomFrom(seed + 99)() * steps)
  const { problem } = run(at)
  return problem === undefined ? undefined : `step ${at} of ${steps}: ${problem}`
}

const seeds = Number(process.env["SEEDS"] ?? 300)

describe("cancel at a random step", () => {
  it("nothing is left, each finalizer ran once, each interrupted one read the reason, one terminal event (K1, K5, K8, K9, K10, K18)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)

  it("the same where fibers pause between any two operations (K1, K5, K8, K9, K10, K18)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.2 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)

  it("the same with grace (K9, K12)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.1, grace: 5 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)

  it("a cancel at every step of a commit: saved exactly when Completed (K9, S1x-26, S1x-27)", () => {
    for (const policy of [{}, { grace: 2 }, { grace: 2, giveUp: 4 }, { giveUp: 3 }]) {
      const wrong = wrongSeeds(120, (step) => {
        let saved = 0
        let node: TaskNode | undefined
        let outcome: TaskOutcome.TaskOutcome<unknown, unknown> | undefined
        const world: World = new World({
          seed: step,
          fifo: true,
          at: {
            step,
            run: () => {
              if (node === undefined) return
              Effect.runFork(
                world.leaks
                  .within(Task.requestCancel(node as never, policy))
                  .pipe(Effect.provideService(ClockService, world.clock)),
                { scheduler: world }
              )
            }
          }
        })
        const exit = world.run(
          Effect.scoped(
            Effect.gen(function* () {
              const nursery = yield* Nursery.make<Task.CommitTimedOut>("top")
              const task = yield* nursery.spawn(
                "task",
                Effect.andThen(
                  Effect.sleep(3),
                  Task.commit(
                    Effect.andThen(
                      Effect.sleep(10),
                      Effect.sync(() => {
                        saved++
                      })
                    ),
                    { within: 100 }
                  )
                )
              )
              node = task as never
              outcome = yield* Task.await(task)
            })
          )
        )
        const where = `${JSON.stringify(policy)} at step ${step}: `
        if (world.left !== undefined) return where + world.left
        if (exit === undefined) return where + "stuck"
        if ((outcome?._tag === "Completed" ? 1 : 0) !== saved) return `${where}${outcome?._tag}, saved ${saved} times`
        return outcome?._tag === "Failed" ? where + "failed" : undefined
      })
      expect(wrong ?? "no seed failed").toBe("no seed failed")
    }
  }, 20_000)

  it("a nursery whose owner is interrupted natively at any step leaves nothing (K1, K45)", () => {
    const wrong = wrongSeeds(150, (step) => {
      let cut: (() => void) | undefined
      const world: World = new World({ seed: step, fifo: true, at: { step, run: () => cut?.() } })
      const exit = world.run(
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(
            Nursery.run("n", (nursery: Nursery.Nursery) =>
              Effect.andThen(nursery.spawn("c", Effect.sleep(5)), Effect.sleep(10))
            )
          )
          cut = () => fiber.interruptUnsafe()
          yield* Fiber.await(fiber)
        })
      )
      return world.left ?? (exit === undefined ? "stuck" : undefined)
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)

  it("a caller of spawnReady that is interrupted natively at any step never leaves the nursery hanging (K1, K7)", () => {
    const wrong = wrongSeeds(150, (step) => {
      let cut: (() => void) | undefined
      const world: World = new World({ seed: step, fifo: true, at: { step, run: () => cut?.() } })
      const exit = world.run(
        Nursery.run("n", (nursery: Nursery.Nursery) =>
          Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(
              Effect.ignore(
                nursery.spawnReady("s", (ready: (value: number) => Effect.Effect<void>) =>
                  Effect.andThen(Effect.sleep(5), ready(1))
                )
              )
            )
            cut = () => fiber.interruptUnsafe()
            yield* Fiber.await(fiber)
          })
        )
      )
      return world.left ?? (exit === undefined ? "stuck" : undefined)
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)

  it("of two starts of one id exactly one runs, whatever the interleaving (K37)", () => {
    const wrong = wrongSeeds(seeds, (seed) => {
      let running = 0
      let most = 0
      const world = new World({ seed, preempt: 0.3 })
      const start = (tasks: Tasks["Service"]) =>
        Effect.exit(
          tasks.start(
            "id",
            Effect.acquireUseRelease(
              Effect.sync(() => {
                most = Math.max(most, ++running)
              }),
              () => Effect.sleep(10),
              () =>
                Effect.sync(() => {
                  running--
                })
            )
          )
        )
      const exit = world.run(
        Effect.flatMap(Tasks, (tasks) =>
          Effect.andThen(
            Effect.all([start(tasks), start(tasks), start(tasks)], { concurrency: "unbounded" }),
            tasks.await("id")
          )
        ).pipe(Effect.provide(Tasks.layer()))
      )
      return (
        world.left ??
        (exit === undefined ? "stuck" : exit._tag === "Failure" ? "failed" : undefined) ??
        (most === 1 ? undefined : `${most} ran at once`)
      )
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)

  it("a follower never misses an event, whatever the interleaving (K38)", () => {
    const wrong = wrongSeeds(seeds, (seed) => {
      const world = new World({ seed, preempt: 0.3 })
      const seen: Array<number> = []
      const exit = world.run(
        Effect.flatMap(Tasks, (tasks) =>
          Effect.gen(function* () {
            yield* tasks.start(
              "id",
              Effect.forEach([1, 2, 3, 4], (value) => Effect.andThen(Effect.yieldNow, Task.output(value))),
              { history: 100 }
            )
            yield* Stream.runForEach(tasks.events("id"), ({ seq }) =>
              Effect.sync(() => {
                seen.push(seq)
              })
            )
          })
        ).pipe(Effect.provide(Tasks.layer()))
      )
      return (
        (exit === undefined ? `stuck after [${seen.join(",")}]` : undefined) ??
        world.left ??
        (seen.join() === "1,2,3,4,5,6" ? undefined : `saw ${seen.join()}`)
      )
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 20_000)
})
