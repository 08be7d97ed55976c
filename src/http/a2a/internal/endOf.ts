/** How the end of a task is told: its state, its message, and what stands about a cancel in the metadata. */
import { TaskState } from "@a2a-js/sdk"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type { Cancelled, TaskOutcome } from "../../../fibers/TaskOutcome.ts"
import { type Content, toParts } from "../Content.ts"
import { Rejected } from "../Turn.ts"
import { writable } from "./writable.ts"

export interface End {
  readonly state: TaskState
  readonly content?: Content
  readonly metadata?: Readonly<Record<string, unknown>>
}

export const endOf = (outcome: TaskOutcome<unknown, unknown, unknown>, task: string): End => {
  switch (outcome._tag) {
    case "Completed":
      return completed
    case "Failed":
      return failed(outcome.cause)
    case "Cancelled":
      return cancelledEnd(outcome, task)
  }
}

const completed: End = { state: TaskState.TASK_STATE_COMPLETED }

const failed = (cause: Cause.Cause<unknown>): End => {
  const error = cause.reasons.find(Cause.isFailReason)?.error
  if (!(error instanceof Rejected)) return { state: TaskState.TASK_STATE_FAILED, content: textOf(error) }
  const why = Result.try(() => toParts(error.why))
  return { state: TaskState.TASK_STATE_REJECTED, content: Result.getOrElse(why, () => textOf(error)) }
}

/** A defect is for the log only. */
const textOf = (error: unknown): string => {
  if (typeof error === "string" && error !== "") return error
  // A getter may throw; whoever waits for the end must be told all the same.
  const message = Result.getOrUndefined(
    Result.try(() => (error as { readonly message?: unknown } | undefined)?.message)
  )
  return typeof message === "string" && message !== "" ? message : "The agent failed"
}

export const cancelledEnd = (
  { how, reason, took }: Pick<Cancelled<unknown>, "how" | "reason" | "took">,
  task: string
): End => {
  const { at, by, message, source } = reason
  // Whoever cancels in the process may have given what JSON cannot say.
  const detail = Result.try(() => (reason.detail === undefined ? undefined : writable("detail", reason.detail)))
  return {
    state: TaskState.TASK_STATE_CANCELED,
    content: by === undefined ? message : `${message} (by ${by})`,
    metadata: {
      [metadataKey]: {
        source,
        message,
        ...(by === undefined ? {} : { by }),
        at: DateTime.formatIso(at),
        how,
        tookMillis: Math.round(Duration.toMillis(took)),
        ...(Result.isFailure(detail) || detail.success === undefined ? {} : { detail: detail.success }),
        // It goes on without anybody being told of it any more.
        ...(how === "abandoned" ? { stragglers: [task] } : {})
      }
    }
  }
}

/** Under which a task tells in its metadata, and the CANCELED status in its, what `CancelReason` is in process. */
const metadataKey = "rescind"
