/** What the tests of this folder share: tasks around a combinator, and reports told in words. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Loser from "../../src/combinators/Loser.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import type * as Task from "../../src/fibers/Task.ts"
import type { CleanupFailure } from "../../src/fibers/TaskOutcome.ts"
import { type Journal, textOf } from "../support/journal.ts"
import { settle } from "../support/settle.ts"

/** A task below a nursery of its own, running. */
export const started = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  name = "task"
): Effect.Effect<Task.Task<A, E>, never, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function* () {
    const nursery = yield* Nursery.make<unknown>("top")
    const task = yield* nursery.spawn(name, effect)
    yield* settle
    return task
  })

export const ann = { reason: CancelReason.request({ by: "ann" }) }

/** Waits for ever, and writes who told it to stop. */
export const waiter = (journal: Journal, name: string, cleanup?: Effect.Effect<unknown>): Effect.Effect<never> =>
  journal.watch(name, Effect.never, cleanup)

/** "Fail:no, Die:broken". */
export const causeOf = (cause: Cause.Cause<unknown>): string =>
  cause.reasons
    .map((reason) =>
      Cause.isFailReason(reason)
        ? `Fail:${wordOf(reason.error)}`
        : Cause.isDieReason(reason)
          ? `Die:${wordOf(reason.defect)}`
          : "Interrupt"
    )
    .join(", ")

const wordOf = (value: unknown): string =>
  value instanceof Error ? (value.name === "Error" ? value.message : value.name) : String(value)

export const failureOf = (exit: Exit.Exit<unknown, unknown>): string =>
  exit._tag === "Success" ? `Success:${String(exit.value)}` : causeOf(exit.cause)

/** "cancelled after 30: lost-race by quick of race". */
export const told = (loser: Loser.Loser<unknown, unknown> | Loser.Running<unknown, unknown> | undefined): string => {
  if (loser === undefined) return "-"
  const text = Loser.match(loser, {
    NotStarted: () => "not started",
    Cancelled: ({ reason, how, took }) =>
      `${how === "interrupted" ? "cancelled" : how} after ${Duration.toMillis(took)}: ${textOf(reason)}`,
    Failed: ({ cause }) => `failed: ${causeOf(cause)}`,
    FinishedLate: ({ value, took }) => `late after ${Duration.toMillis(took)}: ${String(value)}`,
    Running: ({ task }) => `${task.name} runs on`
  })
  return loser._tag === "NotStarted" || loser._tag === "Running" ? text : text + cleanupOf(loser.cleanupFailures)
}

/** "; clean-up of slow: Die:broken". */
export const cleanupOf = (failures: ReadonlyArray<CleanupFailure>): string =>
  failures.map(({ scope, cause }) => `; clean-up of ${scope}: ${causeOf(cause)}`).join("")

export const toldAll = (losers: object): Record<string, string> =>
  Object.fromEntries(Object.entries(losers).map(([name, loser]) => [name, told(loser as never)]))

/** A resource of the current scope, written when it is acquired and when it is released, with the reason that the release reads. */
export const resource = (
  journal: Journal,
  name: string,
  release: Effect.Effect<unknown> = Effect.void
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(journal.note(`${name} acquired`), () =>
    Effect.andThen(release, journal.note(`${name} released`))
  )

/** What is logged within, without the default loggers. */
export const logged = <A, E, R>(effect: Effect.Effect<A, E, R>, lines: Array<string>): Effect.Effect<A, E, R> =>
  Effect.provideService(
    effect,
    Logger.CurrentLoggers,
    new Set([
      Logger.make<unknown, void>(({ message, cause, logLevel }) => {
        lines.push(`${logLevel} ${[message].flat().map(String).join(" ")}: ${causeOf(cause)}`)
      })
    ])
  )

export const after = <A>(millis: number, value: A): Effect.Effect<A> => Effect.as(Effect.sleep(millis), value)

export const failing = <E>(millis: number, error: E): Effect.Effect<never, E> =>
  Effect.andThen(Effect.sleep(millis), Effect.fail(error))

/** The effect, run while the test clock passes `millis`. */
export const during = <A, E, R>(millis: number, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust(millis)
    return yield* Fiber.join(fiber)
  })

const timeOf = (line: string): number => Number(line.slice(0, line.indexOf(" ")))

/** The lines of a journal, where the order of what happened at one instant is no law. */
export const byTime = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.toSorted((one, other) => timeOf(one) - timeOf(other) || (one < other ? -1 : 1))
