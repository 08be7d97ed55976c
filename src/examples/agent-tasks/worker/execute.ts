/** Runs one assignment: finds its kind, decodes the input, and turns the outcome of the fiber into a report. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Deadline from "../../../combinators/Deadline.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import * as Task from "../../../fibers/Task.ts"
import type * as TaskOutcome from "../../../fibers/TaskOutcome.ts"
import * as TimeLimits from "../../../fibers/TimeLimits.ts"
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"
import type { Outcome } from "../AgentTask.ts"
import type { Assignment, Report } from "../workerMessages.ts"

type Implementation<R> = TaskDefinition.Implementation<R>
type AnyTask = Task.Task<unknown, unknown, unknown>

/**
 * Starts the assignment with `start` and answers with the effect that waits for its report. What cannot be started is
 * reported as failed.
 */
export const execute = <R, E extends { readonly message: string }>(
  assignment: Assignment,
  tasks: ReadonlyArray<Implementation<R>>,
  start: (
    body: Effect.Effect<unknown, unknown, Exclude<R, Scope.Scope>>
  ) => Effect.Effect<AnyTask, E, Exclude<R, Scope.Scope>>
): Effect.Effect<Effect.Effect<Report>, never, Exclude<R, Scope.Scope>> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const { id, input, kind, run } = assignment
    const now = (): number => clock.currentTimeMillisUnsafe()
    const refused = (title: string, fault: "unknown-kind" | "invalid-input" | "defect"): Effect.Effect<Report> =>
      Effect.sync(() => ({ id, run, outcome: { _tag: "Failed", error: { title }, fault }, stoppedAt: now() }))

    const found = tasks.find(({ definition }) => definition.name === kind)
    if (found === undefined) {
      const known = tasks.map(({ definition }) => definition.name).join(", ")
      return refused(`This worker cannot run "${kind}"; it can run: ${known}`, "unknown-kind")
    }
    const payload = yield* Effect.result(Schema.decodeUnknownEffect(json(found.definition.payload))(input))
    if (payload._tag === "Failure") return refused(payload.failure.message, "invalid-input")

    let toldAt: number | undefined
    const body = Effect.onExit(
      Effect.suspend(() => found.run(payload.success, selfOf(assignment, found))) as Effect.Effect<
        unknown,
        unknown,
        Exclude<R, Scope.Scope>
      >,
      () =>
        Effect.map(CancelReason.current, (reason) => {
          if (Option.isSome(reason)) toldAt = now()
        })
    )
    const task = yield* Effect.result(start(body))
    if (task._tag === "Failure") return refused(task.failure.message, "defect")
    return Effect.gen(function* () {
      const outcome = yield* outcomeOf(found, yield* Task.await(task.success), `${kind} ${id}`)
      return { id, run, outcome, ...(toldAt === undefined ? {} : { toldAt }), stoppedAt: now() }
    })
  })

const json = (schema: TaskDefinition.AnyCodec): Schema.Codec<any, any> => Schema.toCodecJson(schema) as never

/** A value that its schema does not allow is a mistake of the task. */
const encode = (schema: TaskDefinition.AnyCodec, value: unknown): Effect.Effect<Schema.Json> =>
  Effect.orDie(Schema.encodeUnknownEffect(json(schema))(value))

const selfOf = (
  { id }: Assignment,
  { definition }: Implementation<any>
): TaskDefinition.Self<unknown, unknown, unknown> => ({
  id,
  progress: (value) => Effect.flatMap(encode(definition.progress, value), Task.progress),
  output: (value) => Effect.flatMap(encode(definition.output, value), Task.output),
  partial: (value) => Effect.flatMap(encode(definition.partial, value), Task.partial),
  commit: Task.commit,
  extend: TimeLimits.extend,
  timeLeft: Deadline.remaining
})

const outcomeOf = (
  { definition }: Implementation<any>,
  outcome: TaskOutcome.TaskOutcome<unknown, unknown, unknown>,
  what: string
): Effect.Effect<Outcome> => {
  switch (outcome._tag) {
    case "Completed":
      return encode(definition.success, outcome.value).pipe(
        Effect.map((value): Outcome => ({ _tag: "Completed", value })),
        Effect.catchCause((cause) => defect(what, cause))
      )
    case "Failed": {
      const failure = outcome.cause.reasons.find(Cause.isFailReason)
      return failure === undefined
        ? defect(what, outcome.cause)
        : encode(definition.error, failure.error).pipe(
            Effect.map((error): Outcome => ({ _tag: "Failed", error })),
            Effect.catchCause((cause) => defect(what, cause))
          )
    }
    case "Cancelled": {
      const { how, reason, took } = outcome
      // Encoded already, when it was said.
      const partial = outcome.partial === undefined ? {} : { partial: outcome.partial as Schema.Json }
      return Effect.succeed({ _tag: "Cancelled", reason, how, tookMillis: Duration.toMillis(took), ...partial })
    }
  }
}

/** Its cause is for the log of the worker only. */
const defect = (what: string, cause: Cause.Cause<unknown>): Effect.Effect<Outcome> =>
  Effect.as(Effect.logError(`${what} failed with a defect`, cause), {
    _tag: "Failed",
    error: { title: "Internal error" },
    fault: "defect"
  })
