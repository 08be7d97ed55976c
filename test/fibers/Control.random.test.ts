/**
 * Two controllers press pause, resume, skip and cancel at random moments on
 * random runs, under a seeded scheduler: random order of fibers, pauses at random
 * operations. A third hand cancels the task around it all, or nobody does.
 */
import * as Cause from "effect/Cause"
import { Clock as ClockService } from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import type { CancelResult } from "../../src/fibers/CancelResult.ts"
import * as Control from "../../src/fibers/Control.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import type { ScopeCancelled } from "../../src/fibers/ScopeCancelled.ts"
import type { StepResult } from "../../src/fibers/StepResult.ts"
import * as Task from "../../src/fibers/Task.ts"
import type * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { randomFrom, World, wrongSeeds } from "../support/sim.ts"

const seeds = Number(process.env["SEEDS"] ?? 1000)

interface Plan {
  readonly preempt: number
  readonly grace?: boolean
  /** Whether a third hand cancels the task around the run at a random step. */
  readonly cut?: boolean
}

const scenario = (seed: number, plan: Plan): string | undefined => {
  const run = (at: number | undefined) => {
    const random = randomFrom(seed)
    const upTo = (n: number) => Math.floor(random() * n)
    const wrong: Array<string> = []
    const open = new Map<string, number>()
    const ended: Array<Exit.Exit<ReadonlyArray<StepResult<void>>, ScopeCancelled>> = []
    const skips: Array<CancelResult> = []
    const cancels: Array<CancelResult> = []
    let latched = false
    let node: Task.Task<unknown> | undefined
    let outcome: TaskOutcome.TaskOutcome<unknown> | undefined

    /** `late`: the run came to this step after the cancel. With grace, or made to pause, it may have passed the gate before. */
    const body = (
      control: Control.Control,
      late: boolean,
      name: string,
      millis: number,
      pause: number
    ): Effect.Effect<void> =>
      Effect.onExit(
        Effect.flatMap(control.state, (state) => {
          const strict = plan.preempt === 0 && plan.grace !== true
          if (late || (strict && state._tag === "Cancelled")) wrong.push(`${name} started too late`)
          open.set(name, (open.get(name) ?? 0) + 1)
          return Effect.sleep(millis)
        }),
        (exit) =>
          Effect.suspend(() => {
            const times = open.get(name)
            if (times !== undefined) open.set(name, times - 1)
            if (exit._tag === "Success") return Effect.void
            return Effect.andThen(
              Effect.map(CancelReason.current, (reason) => {
                if (Option.isNone(reason)) wrong.push(`${name} read no reason`)
                else if (reason.value.source !== "request") wrong.push(`${name} read ${reason.value.source}`)
              }),
              pause > 0 ? Effect.sleep(pause) : Effect.void
            )
          })
      )

    const steps = (control: Control.Control, who: string) =>
      Effect.forEach(
        Array.from({ length: 1 + upTo(3) }, (_, index) => ({
          name: `${who}${index}`,
          millis: upTo(6),
          pause: upTo(3)
        })),
        ({ millis, name, pause }) =>
          Effect.flatMap(control.state, ({ _tag }) =>
            Control.step(control, name, body(control, _tag === "Cancelled", name, millis, pause))
          )
      )

    const press = (control: Control.Control, by: string): Effect.Effect<void> => {
      const reason = CancelReason.request({ by })
      const grace = plan.grace === true ? upTo(4) : 0
      const verb = upTo(8)
      return Effect.suspend((): Effect.Effect<unknown> => {
        if (verb < 2) return control.pause
        if (verb < 4) return control.resume
        if (verb < 7) {
          return Effect.map(control.skip({ reason, grace }), (result) => {
            skips.push(result)
          })
        }
        return Effect.map(control.cancel({ reason, grace }), (result) => {
          cancels.push(result)
        })
      }).pipe(
        Effect.andThen(
          Effect.map(control.state, (state) => {
            if (state._tag === "Cancelled") latched = true
            else if (latched) wrong.push(`${state._tag} after the cancel`)
          })
        )
      )
    }

    const world: World = new World({
      seed: seed * 31 + 7,
      preempt: plan.preempt,
      ...(at === undefined
        ? {}
        : {
            at: {
              step: at,
              run: () => {
                if (node === undefined) return
                Effect.runFork(
                  world.leaks
                    .within(Task.requestCancel(node, { reason: CancelReason.request({ by: "cut" }), grace: upTo(3) }))
                    .pipe(Effect.provideService(ClockService, world.clock)),
                  { scheduler: world }
                )
              }
            }
          })
    })

    const end = world.run(
      Effect.scoped(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const nursery = yield* Nursery.make("top")
          const runs = Array.from({ length: 1 + upTo(2) }, (_, index) =>
            Effect.onExit(Control.run(control, steps(control, `${"ab"[index]}`)), (exit) =>
              Effect.sync(() => {
                ended.push(exit)
              })
            )
          )
          const controllers = ["ann", "bob"].map((by) =>
            Effect.forEach(
              Array.from({ length: 1 + upTo(5) }, () => ({ wait: upTo(5), verb: press(control, by) })),
              ({ verb, wait }) => Effect.andThen(wait === 0 ? Effect.yieldNow : Effect.sleep(wait), verb),
              { discard: true }
            )
          )
          const hands = yield* Effect.forEach(controllers, (controller, index) =>
            nursery.spawn(`controller ${index}`, controller)
          )
          const task = yield* nursery.spawn(
            "task",
            Effect.all(
              runs.map((run) => Effect.exit(run)),
              { concurrency: "unbounded" }
            )
          )
          node = task
          yield* Effect.forEach(hands, Task.await)
          // Whatever they left paused goes on.
          yield* control.resume
          outcome = yield* Task.await(task)
        })
      )
    )
    const results = ended.flatMap((exit) => (Exit.isSuccess(exit) ? exit.value : []))
    const skipped = results.filter((result) => result._tag === "Skipped")
    const stopped = ended.filter((exit) => Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause))
    const won = cancels.filter(({ _tag }) => _tag === "Cancelled")
    const skippers = new Set(skips.map((result) => (result._tag === "Cancelled" ? result.reason.by : undefined)))
    const problem =
      (end === undefined ? "stuck" : undefined) ??
      world.left ??
      (end!._tag === "Failure" ? Cause.pretty(end!.cause) : undefined) ??
      wrong[0] ??
      [...open].filter(([, times]) => times !== 0).map(([name]) => `${name} was not released once`)[0] ??
      (at === undefined && outcome!._tag !== "Completed" ? `the task around it is ${outcome!._tag}` : undefined) ??
      (skipped.some(({ reason }) => !skippers.has(reason.by))
        ? "a step was skipped that no skip answers for"
        : undefined) ??
      (stopped.length > 0 && cancels.length === 0 ? "a run was cancelled by nobody" : undefined) ??
      (won.length > 1 ? `${won.length} cancels won` : undefined) ??
      (at === undefined &&
      stopped.length === 0 &&
      won.some((result) => result._tag === "Cancelled" && result.how !== "cooperative")
        ? "a cancel says that it interrupted a run, but none was"
        : undefined)
    return { problem, steps: world.steps }
  }
  const calm = run(undefined)
  if (calm.problem !== undefined) return calm.problem
  if (plan.cut !== true) return undefined
  const at = 1 + Math.floor(randomFrom(seed + 99)() * calm.steps)
  const { problem } = run(at)
  return problem === undefined ? undefined : `step ${at} of ${calm.steps}: ${problem}`
}

describe("Control, pressed at random", () => {
  it("by two at once: cancel is final, no step starts after it, nobody is held for ever, nothing is left (S3x-01, S2-43)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same where fibers pause between any two operations (S3x-01, K1, K8, K9)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.2 }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same with grace (K12)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.1, grace: true }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("the same while the task around the runs is cancelled at a random step (K1, K18)", () => {
    const wrong = wrongSeeds(seeds, (seed) => scenario(seed, { preempt: 0.1, cut: true }))
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)

  it("no wake-up is lost: a resume, or a cancel, after any step finds whoever waits (S2-44, S3x-02)", () => {
    const verbs = {
      resume: (control: Control.Control): Effect.Effect<unknown> => control.resume,
      cancel: (control: Control.Control): Effect.Effect<unknown> => control.cancel()
    }
    const waits: ReadonlyArray<(control: Control.Control) => Effect.Effect<unknown, unknown>> = [
      (control) => control.gate,
      (control) => Control.run(control, control.gate),
      (control) => Control.run(control, Control.step(control, "step", Effect.void)),
      (control) => Control.run(control, Effect.uninterruptible(control.gate)),
      (control) => Stream.runHead(Stream.filter(control.changes, ({ _tag }) => _tag !== "Paused")),
      (control) =>
        Effect.race(
          control.cancelled,
          Effect.flatMap(control.gate, () => Effect.void)
        )
    ]
    for (const [index, wait] of waits.entries()) {
      for (const verb of ["resume", "cancel"] as const) {
        let times = 0
        const wrong = wrongSeeds(200, (step) => {
          let control: Control.Control | undefined
          let pressed = false
          const world: World = new World({
            seed: step,
            fifo: true,
            at: {
              step,
              run: () => {
                if (control === undefined) return
                pressed = true
                Effect.runFork(
                  world.leaks.within(verbs[verb](control)).pipe(Effect.provideService(ClockService, world.clock)),
                  { scheduler: world }
                )
              }
            }
          })
          const exit = world.run(
            Effect.gen(function* () {
              const made = yield* Control.make("run")
              yield* made.pause
              const fiber = yield* Effect.forkChild(wait(made))
              control = made
              yield* Fiber.await(fiber)
            })
          )
          if (!pressed) return undefined
          times++
          return exit === undefined ? "stuck" : world.left
        })
        expect(times).toBeGreaterThan(3)
        expect(`wait ${index}, ${verb}: ${wrong ?? "no step failed"}`).toBe(`wait ${index}, ${verb}: no step failed`)
      }
    }
  }, 60_000)

  it("no gate passes that is come to after the cancel, though its run be told first (S3x-01)", () => {
    const wrong = wrongSeeds(seeds * 3, (seed) => {
      const random = randomFrom(seed)
      const world = new World({ seed, preempt: 0.3 })
      let passed = false
      const end = world.run(
        Effect.gen(function* () {
          const control = yield* Control.make("run")
          const gate = Effect.flatMap(control.state, ({ _tag }) =>
            Effect.map(control.gate, () => {
              passed ||= _tag === "Cancelled"
            })
          )
          const part = Effect.forEach([1, 2, 3, 4], () => Effect.andThen(Effect.yieldNow, gate))
          const run = Nursery.run("n", (nursery: Nursery.Nursery) =>
            Effect.andThen(nursery.spawn("child", part), Control.step(control, "step", part))
          )
          const fiber = yield* Effect.forkChild(Effect.exit(Control.run(control, run)))
          for (let turn = Math.floor(random() * 12); turn > 0; turn--) yield* Effect.yieldNow
          yield* control.cancel()
          yield* Fiber.await(fiber)
        })
      )
      return world.left ?? (end === undefined ? "stuck" : passed ? "a gate passed" : undefined)
    })
    expect(wrong ?? "no seed failed").toBe("no seed failed")
  }, 60_000)
})
