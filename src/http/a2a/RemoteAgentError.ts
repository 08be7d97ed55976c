/**
 * How a call of a `RemoteAgent` ends when no answer comes of it: the task ended in
 * another way (failed, rejected, cancelled), the agent asks for something, it
 * refused the call, or it was not reached. Each has the name of the agent, so that
 * the errors of a chain of agents tell which one it was.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import type { A2AError } from "@a2a-js/sdk/errors"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { CancelReason } from "../../fibers/CancelReason.ts"
import type { How } from "../../fibers/TaskOutcome.ts"
import { type Content, textOf } from "./Content.ts"
import type { Answer, SendOptions } from "./RemoteCall.ts"

/**
 * The task is FAILED. The message says what the agent said of it.
 *
 * @category errors
 * @since 0.1.0
 */
export class AgentFailed extends Data.TaggedError("AgentFailed")<{
  readonly agent: string
  readonly task: A2A.Task
}> {
  override get message(): string {
    return `Agent "${this.agent}" failed: ${saidOf(this.task) ?? "it did not say why"}`
  }
}

/**
 * The task is REJECTED: the agent will not do it.
 *
 * @category errors
 * @since 0.1.0
 */
export class AgentRejected extends Data.TaggedError("AgentRejected")<{
  readonly agent: string
  readonly task: A2A.Task
}> {
  override get message(): string {
    return `Agent "${this.agent}" rejected the task: ${saidOf(this.task) ?? "it did not say why"}`
  }
}

/**
 * The task is CANCELED, by somebody else than this caller. What it published until
 * then is in `task`.
 *
 * **Details**
 *
 * An agent served by Rescind says why, by whom and how; of any other agent the
 * reason has the source `interrupt` and the text of the status.
 *
 * @category errors
 * @since 0.1.0
 */
export class AgentCancelled extends Data.TaggedError("AgentCancelled")<{
  readonly agent: string
  readonly task: A2A.Task
  readonly reason: CancelReason
  /** `abandoned`: something of it still ran when it was reported as cancelled. */
  readonly how?: How
}> {
  override get message(): string {
    const { agent, reason, task } = this
    const by = reason.by === undefined ? "" : ` by ${reason.by}`
    return `The task ${task.id} of agent "${agent}" was cancelled${by} (${reason.source}): ${reason.message}`
  }
}

/**
 * The agent asks for input, or for credentials (`auth`), and `ask` was given
 * nothing to answer with (`onInput`). The task waits, and is nobody's: answer it,
 * or cancel it.
 *
 * @category errors
 * @since 0.1.0
 */
export class InputRequired extends Data.TaggedError("InputRequired")<{
  readonly agent: string
  readonly task: A2A.Task
  readonly auth: boolean
  readonly answer: (
    content: Content,
    options?: Omit<SendOptions, "taskId" | "contextId">
  ) => Effect.Effect<Answer, RemoteAgentError>
}> {
  override get message(): string {
    const { agent, auth, task } = this
    const what = auth ? "credentials" : "input"
    return `Agent "${agent}" asks for ${what}: ${saidOf(task) ?? "it did not say what"}; call \`answer\`, or pass \`onInput\``
  }
}

/**
 * The agent answered that it will not: the request is wrong, the task is not known,
 * there is no room now (then `retryAfter` may say when).
 *
 * @category errors
 * @since 0.1.0
 */
export class AgentRefused extends Data.TaggedError("AgentRefused")<{
  readonly agent: string
  /** What was asked: `SendStreamingMessage`. */
  readonly call: string
  readonly status: number
  /** What the SDK makes of the answer: tell it by `instanceof TaskNotFoundError`. Absent when the answer is none of A2A. */
  readonly error?: A2AError
  readonly detail: string
  readonly retryAfter?: Duration.Duration
}> {
  override get message(): string {
    return `Agent "${this.agent}" refused ${this.call} (${this.error?.reason || this.status}): ${this.detail}`
  }
}

/**
 * No answer came, or only a part of one, and all tries that the client was given
 * are used up.
 *
 * @category errors
 * @since 0.1.0
 */
export class AgentUnreachable extends Data.TaggedError("AgentUnreachable")<{
  readonly agent: string
  readonly call: string
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `Agent "${this.agent}", ${this.call}: ${this.detail}; look whether it is up and its card has the right URL`
  }
}

/**
 * The message went out, its answer was lost, and the agent cannot say whether it
 * took the message. It was not sent again: the work could be done twice. Who may do
 * so sends it with this `messageId`, by which an agent can tell that it is the same.
 *
 * @category errors
 * @since 0.1.0
 */
export class AnswerLost extends Data.TaggedError("AnswerLost")<{
  readonly agent: string
  readonly messageId: string
  readonly detail: string
}> {
  override get message(): string {
    const { agent, detail, messageId } = this
    return `Agent "${agent}" may have taken the message ${messageId}, but its answer was lost: ${detail}`
  }
}

/**
 * What the agent said is not A2A as this client speaks it.
 *
 * @category errors
 * @since 0.1.0
 */
export class AgentUnreadable extends Data.TaggedError("AgentUnreadable")<{
  readonly agent: string
  /** What could not be read: `an event of SubscribeToTask`, `the card`. */
  readonly what: string
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `Agent "${this.agent}": ${this.what} cannot be read: ${this.detail}`
  }
}

/**
 * Why nothing is known of how the task ended.
 *
 * @category errors
 * @since 0.1.0
 */
export type CallError = AgentRefused | AgentUnreachable | AnswerLost | AgentUnreadable

/**
 * @category errors
 * @since 0.1.0
 */
export type RemoteAgentError = AgentFailed | AgentRejected | AgentCancelled | InputRequired | CallError

const saidOf = ({ status }: A2A.Task): string | undefined => {
  const text = textOf(status?.message?.parts ?? [])
  return text === "" ? undefined : text
}
