/** What a task does from its first step to its last: read its parameters, say `start`, run the model, save the value. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import * as Schema from "effect/Schema"
import * as DateTime from "effect/DateTime"
import * as Checkpoint from "../../../fibers/Checkpoint.ts"
import * as Task from "../../../fibers/Task.ts"
import type { Completed, TaskRecord } from "../store/TaskRecord.ts"
import type { StoreFailed, TaskStore } from "../store/TaskStore.ts"
import * as TaskKey from "../TaskKey.ts"
import * as Attempt from "./Attempt.ts"
import { RecordChanged } from "./coordinatorErrors.ts"
import type { StreamTask } from "./TaskModel.ts"

/** How long the store may take over a final value before the task counts as failed. */
const saveWithin = "30 seconds"

export const bodyOf = (
  attempt: Attempt.Attempt,
  record: TaskRecord,
  store: TaskStore["Service"]
): Effect.Effect<Completed, unknown> =>
  Effect.gen(function* () {
    const { key, model } = attempt
    // They were checked when the record was made; since then somebody may have changed it, or the model.
    const params = yield* Effect.orDie(Schema.decodeUnknownEffect(Schema.toCodecJson(model.params))(record.params))
    yield* Attempt.send(attempt, "start", model.start(params))
    const value = yield* model.process(params, streamTaskOf(attempt))
    const encoded = yield* Effect.orDie(Schema.encodeUnknownEffect(Schema.toCodecJson(model.value))(value))
    return yield* Task.commit(saved(attempt, key, encoded, store), { within: saveWithin })
  }).pipe(
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.logError(`Task ${TaskKey.toString(attempt.key)} failed`, cause)
    )
    // The services of the models come with the context that the coordinator starts its tasks in.
  ) as Effect.Effect<Completed, unknown>

/** From here on a cancel comes too late: the record says completed, as clients will be told, or the task has failed. */
const saved = (
  attempt: Attempt.Attempt,
  key: TaskKey.TaskKey,
  value: Json,
  store: TaskStore["Service"]
): Effect.Effect<Completed, StoreFailed | RecordChanged> =>
  Effect.gen(function* () {
    attempt.saving = true
    const completed_at = DateTime.formatIso(yield* DateTime.now)
    const end = { status: "completed", completed_at, final_value: value } as const
    if (yield* store.end(key, attempt.number, end)) return end
    const message = `The record of ${TaskKey.toString(key)} was changed or deleted while the task ran`
    return yield* Effect.fail(new RecordChanged({ message }))
  })

const streamTaskOf = (attempt: Attempt.Attempt): StreamTask => ({
  key: attempt.key,
  send: (event, data = {}) => Attempt.send(attempt, event, data),
  checkpoint: Checkpoint.checkpoint,
  extend: (by) => Effect.suspend(() => attempt.deadline?.extend(by) ?? Effect.succeed(false))
})
