import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import type * as Scope from "effect/Scope"
import * as Deadline from "../../src/combinators/Deadline.ts"
import * as FirstWins from "../../src/combinators/FirstWins.ts"
import * as Join from "../../src/combinators/Join.ts"
import * as Race from "../../src/combinators/Race.ts"
import * as CancelPolicy from "../../src/fibers/CancelPolicy.ts"
import { Correlator } from "../../src/fibers/Correlator.ts"
import * as KillableProcess from "../../src/fibers/KillableProcess.ts"
import * as KillableWorker from "../../src/fibers/KillableWorker.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Shield from "../../src/fibers/Shield.ts"
import * as Supervisor from "../../src/fibers/Supervisor.ts"
import * as Task from "../../src/fibers/Task.ts"
import { Tasks } from "../../src/fibers/Tasks.ts"
import * as Wait from "../../src/fibers/Wait.ts"
import * as Watchdog from "../../src/fibers/Watchdog.ts"
import { leakChecked } from "../support/leaks.ts"

type Taking = (wrong: Duration.Input) => Effect.Effect<unknown, any, any>

const ran = Effect.die("it ran")

const inTask = (effect: Effect.Effect<unknown, unknown>) =>
  Nursery.run("top", (nursery: Nursery.Nursery<unknown>) =>
    Effect.flatMap(nursery.spawn("task", effect), (task) => Task.join(task))
  )

/** All that take a duration, by the name that the error should give. */
const bounds: Record<string, Taking> = {
  grace: (grace) => Effect.sync(() => CancelPolicy.make({ grace })),
  giveUp: (giveUp) => Race.firstSuccess({ ran }, { giveUp }),
  delay: (delay) => Race.hedge({ ran }, delay),
  undoWithin: (undoWithin) => FirstWins.run("merge", () => ({ ran }), { undoWithin }),
  "budget of a shield": (budget) => Shield.run("shield", ran, { budget }),
  "budget of a worker": (budget) => KillableWorker.run({ script: "none", input: 0, budget }),
  "budget of a process": (budget) => KillableProcess.run(ChildProcess.make("none", []), { budget }),
  interval: (interval) => Wait.poll(ran, { interval }),
  "within of a poll": (within) => Wait.poll(ran, { within }),
  lastCheck: (lastCheck) => Wait.poll(ran, { lastCheck }),
  duration: (duration) => Wait.sleep(duration),
  ttl: (ttl) => Correlator.make({ ttl }),
  threshold: (threshold) => Watchdog.make({ threshold }),
  maxAge: (maxAge) => Watchdog.make({ maxAge }),
  "intensity.within": (within) => Supervisor.run("child", ran, { intensity: { restarts: 1, within } }),
  stableAfter: (stableAfter) => Supervisor.run("child", ran, { stableAfter }),
  "within of a commit": (within) => inTask(Task.commit(ran, { within })),
  finish: (finish) => Effect.flatMap(Tasks, (tasks) => tasks.drain({ finish })).pipe(Effect.provide(Tasks.layer()))
}

/** These may be zero or less (K33). */
const limits: Record<string, Taking> = {
  limit: (limit) => Deadline.run(ran, limit),
  "limit of a join": (limit) => Join.within({ ran }, limit),
  "each of a join": (each) => Join.settled({ ran }, { each })
}

const dies = (taking: Taking, name: string, wrong: unknown) =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(
      Effect.scoped(taking(wrong as Duration.Input) as Effect.Effect<any, any, Scope.Scope>)
    )
    const defect = exit._tag === "Failure" ? Cause.squash(exit.cause) : exit
    expect(defect).toBeInstanceOf(CancelPolicy.InvalidDuration)
    expect(defect).toMatchObject({ field: name.split(" of ")[0], given: wrong })
  })

describe("InvalidDuration", () => {
  it.effect.each(Object.entries({ ...bounds, ...limits }))(
    "%s: NaN and what is no duration are a defect that names it, before anything runs (K33)",
    ([name, taking]) => leakChecked(Effect.forEach([NaN, "soon", true], (wrong) => dies(taking, name, wrong)))
  )

  it.effect.each(Object.entries(bounds))("%s: so is what lies in the past", ([name, taking]) =>
    leakChecked(Effect.forEach([-1, "-1 millis", Duration.millis(-1), -Infinity], (wrong) => dies(taking, name, wrong)))
  )

  it("zero and Infinity can be meant", () => {
    expect(Duration.toMillis(CancelPolicy.bound("grace", 0))).toBe(0)
    expect(Duration.toMillis(CancelPolicy.bound("giveUp", Infinity))).toBe(Infinity)
    expect(Duration.toMillis(CancelPolicy.limit("limit", -5))).toBe(-5)
  })
})
