/**
 * A task as clients see it: where it stands and, once it has ended, how.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Task from "../fibers/Task.ts"
import type { TaskInfo } from "../fibers/Tasks.ts"
import { linksOf } from "./internal/served.ts"
import type { Served } from "./internal/servedTask.ts"
import * as PublicOutcome from "./PublicOutcome.ts"

/**
 * @category schemas
 * @since 0.1.0
 */
export const State = Schema.Literals([
  "waiting",
  "running",
  "cancelling",
  "straggling",
  "completed",
  "failed",
  "cancelled"
])

/**
 * Paths on the same server.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Links = Schema.Struct({ self: Schema.String, events: Schema.String, cancel: Schema.String })

/**
 * Times are ISO 8601; `outcome` is there once it is decided, also while a task
 * that a cancel gave up on is `straggling`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TaskView = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  attempt: Schema.Int,
  state: State,
  startedAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
  endedAt: Schema.optionalKey(Schema.DateTimeUtcFromString),
  /** By when it must have ended. */
  deadline: Schema.optionalKey(Schema.DateTimeUtcFromString),
  labels: Schema.Array(Schema.String),
  payload: Schema.Json,
  /** The caller who started it, if it said who it was. */
  owner: Schema.optionalKey(Schema.String),
  outcome: Schema.optionalKey(PublicOutcome.PublicOutcome),
  links: Links
}).annotate({ identifier: "Task" })

/**
 * @category models
 * @since 0.1.0
 */
export type TaskView = typeof TaskView.Type

/**
 * @category conversions
 * @since 0.1.0
 */
export const of: (info: TaskInfo, served: Served) => Effect.Effect<TaskView> = Effect.fnUntraced(function* (
  info,
  { kind, labels, owner, payload, recording, task }
) {
  const outcome = yield* Task.poll(task)
  return {
    id: info.id,
    name: kind.definition.name,
    attempt: info.attempt,
    state: info.state,
    ...instant("startedAt", info.startedAt),
    ...instant("endedAt", info.endedAt),
    ...instant("deadline", info.deadline),
    labels,
    payload,
    ...(owner === undefined ? {} : { owner }),
    ...(Option.isNone(outcome) ? {} : { outcome: recording.said.outcome(outcome.value) }),
    links: linksOf(info.id)
  }
})

/** Nothing for one that lies further away than dates go. */
const instant = <Key extends string>(
  key: Key,
  millis: Option.Option<number>
): { readonly [K in Key]?: DateTime.Utc } => {
  const at = Option.flatMap(millis, DateTime.make)
  return Option.isNone(at) ? {} : ({ [key]: at.value } as { readonly [K in Key]: DateTime.Utc })
}
