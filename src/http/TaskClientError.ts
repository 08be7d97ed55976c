/**
 * Why a call of a `TaskClient` failed: the server was not reached, it refused, it
 * said something that cannot be read, or it does not know the task. How a task
 * ended is none of these: a task that failed or was cancelled has an outcome.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Problem from "./Problem.ts"

/**
 * No answer came, or only a part of one, and all tries that the client was given
 * are used up.
 *
 * @category errors
 * @since 0.1.0
 */
export class ServerUnreachable extends Data.TaggedError("ServerUnreachable")<{
  /** What was asked: `start sum`, `watch sum-1`. */
  readonly call: string
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `${this.call}: ${this.detail}; look whether the server is up and the base URL is right`
  }
}

/**
 * The server answered that it will not: the request is wrong, the caller may not,
 * the id is taken, or there is no room now (then `retryAfter` may say when).
 *
 * @category errors
 * @since 0.1.0
 */
export class RequestRefused extends Data.TaggedError("RequestRefused")<{
  readonly call: string
  readonly status: number
  /** What it is about: a `Problem.Code`, or one that a newer server knows. Absent when the answer is no problem document of ours. */
  readonly code?: string
  readonly detail: string
  /** The document, with the fields that are wrong, the state of the task, and so on. */
  readonly problem?: typeof Problem.Document.Type
  readonly retryAfter?: Duration.Duration
}> {
  override get message(): string {
    return `${this.call}: ${this.status}${this.code === undefined ? "" : ` ${this.code}`}: ${this.detail}`
  }
}

/**
 * What the server said is not what the definition describes: the two have
 * different versions of it, or it is no task server.
 *
 * @category errors
 * @since 0.1.0
 */
export class AnswerUnreadable extends Data.TaggedError("AnswerUnreadable")<{
  /** What could not be read: `event 1-3 (progress) of sum-1`, `start sum`. */
  readonly what: string
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `${this.what}: ${this.detail}; do client and server have the same version of the definition?`
  }
}

/**
 * The server does not know the task. It was never started or is forgotten, the
 * server was restarted meanwhile, or (`replaced`) another run has taken its id.
 *
 * @category errors
 * @since 0.1.0
 */
export class TaskUnknown extends Data.TaggedError("TaskUnknown")<{
  readonly id: string
  readonly why: "not-found" | "replaced"
  /** The last event of it that was seen, as `<attempt>-<seq>`. */
  readonly lastEventId?: string
}> {
  override get message(): string {
    const seen = this.lastEventId === undefined ? "" : ` (its last event here was ${this.lastEventId})`
    return this.why === "replaced"
      ? `Another run has taken the id "${this.id}"${seen}: how the one before ended is not known any more`
      : this.lastEventId === undefined
        ? `There is no task "${this.id}": it was never started, or it ended long ago and was forgotten`
        : `The server no longer knows the task "${this.id}"${seen}: it was restarted, or forgot the task`
  }
}

/**
 * @category errors
 * @since 0.1.0
 */
export type TaskClientError = ServerUnreachable | RequestRefused | AnswerUnreadable | TaskUnknown

/**
 * A task failed with a defect, whose cause is in the log of its server: what
 * stands for it in outcomes.
 *
 * @category errors
 * @since 0.1.0
 */
export class RemoteDefect extends Data.TaggedError("RemoteDefect")<{ readonly task: string }> {
  override get message(): string {
    return `The task "${this.task}" failed with a defect; the log of its server has the cause`
  }
}
