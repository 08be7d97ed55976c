/**
 * One run of a task, from its start on: the log of its events, which all clients are sent, and how it ended. It hangs on
 * the handle in `Tasks`, which keeps it for a while after the end; there is no other registry. Everything that changes
 * here changes in the very step in which the task does, so what a client reads and what the next status says agree.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Deadline } from "../../../combinators/Deadline.ts"
import { isTerminal, type TaskEvent } from "../../../fibers/TaskEvent.ts"
import * as EventLog from "../../../http/EventLog.ts"
import type { JsonObject, TaskEnd, TaskRecord } from "../store/TaskRecord.ts"
import type { TaskKey } from "../TaskKey.ts"
import { endOf, stamped, terminalOf } from "./taskEvents.ts"
import type { TaskModel } from "./TaskModel.ts"

export interface Attempt {
  readonly key: TaskKey
  readonly model: TaskModel<any>
  readonly number: number
  readonly log: EventLog.EventLog
  /** Of its maximum run time, once it runs. */
  deadline: Deadline | undefined
  /** What the task said about its cancellation. */
  own: JsonObject | undefined
  end: TaskEnd | undefined
  /** Whether it has its value, and a cancel comes too late unless that cannot be saved. */
  saving: boolean
  /** Open once the store has its end, or will never have it. */
  readonly saved: Latch.Latch
}

/** A record, and its attempt if this server knows it: it runs, or it has ended not long ago. */
export interface Found {
  readonly record: TaskRecord
  readonly attempt: Attempt | undefined
}

export const make = (key: TaskKey, model: TaskModel<any>, number: number): Effect.Effect<Attempt> =>
  Effect.map(EventLog.make({ prefix: prefixOf(number) }), (log) => ({
    key,
    model,
    number,
    log,
    deadline: undefined,
    own: undefined,
    end: undefined,
    saving: false,
    saved: Latch.makeUnsafe()
  }))

/** Of event ids: a client of an earlier attempt is not taken for one of this. */
export const prefixOf = (attempt: number): string => `${attempt}-`

/** Said by the task. */
export const send = (attempt: Attempt, event: string, data: JsonObject): Effect.Effect<void> =>
  Effect.map(Clock.currentTimeMillis, (at) => {
    if (event === "cancelled") attempt.own = { ...attempt.own, ...data }
    else EventLog.appendUnsafe(attempt.log, stamped(attempt.key, event, data, DateTime.makeUnsafe(at)))
  })

/** Is called by the task itself, in the step that changes its state. */
export const record =
  (attempt: Attempt) =>
  (event: TaskEvent): void => {
    const { key, log, model } = attempt
    if (isTerminal(event)) {
      const end = endOf(event, model.error, attempt.own)
      attempt.end = { ...end, last_event: log.last + 1 }
      const { data, event: name } = terminalOf(end)
      EventLog.endUnsafe(log, stamped(key, name, data, event.at))
    } else if (event._tag === "CancelRequested" && event.reason.source === "shutdown") {
      const { message } = event.reason
      EventLog.appendUnsafe(log, stamped(key, "shutdown", { message }, event.at))
    }
  }

/** The record as it stands now, also while the store is behind. */
export const overlaid = (record: TaskRecord, attempt: Attempt | undefined): TaskRecord =>
  attempt?.end === undefined || attempt.number !== record.attempts ? record : { ...record, ...attempt.end }
