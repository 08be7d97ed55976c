/**
 * What goes along with a message to a remote agent, and what comes of it.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"

/**
 * @category models
 * @since 0.1.0
 */
export interface SendOptions {
  /** A task that asks for something: the message is the answer. */
  readonly taskId?: string | undefined
  /** The conversation that the message belongs to. Default: a new one, or that of the task. */
  readonly contextId?: string | undefined
  readonly referenceTaskIds?: ReadonlyArray<string> | undefined
  /** Under the same id an agent can tell that it has the message already. Default: a random one. */
  readonly messageId?: string | undefined
  /** Of the request, not of the message. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  /** Media types. Default: whatever the agent hands out. */
  readonly acceptedOutputModes?: ReadonlyArray<string> | undefined
  /**
   * What becomes of the task when the caller is interrupted, fails, or stops reading: it is cancelled, with the reason of
   * the interrupt (the default), or runs on.
   */
  readonly onInterrupt?: "cancel" | "detach" | undefined
}

/**
 * What a completed task, or a message in the place of a task, says.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  /** The text parts, joined. */
  readonly text: string
  /** Of all artifacts, one after another; of an agent that publishes none, those of its last message. */
  readonly parts: ReadonlyArray<A2A.Part>
  /** Absent when the agent answered with a message at once. Its history is as of the last time that the whole task was sent. */
  readonly task?: A2A.Task
}

/**
 * What an agent asks in the middle of a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Question {
  readonly text: string
  readonly parts: ReadonlyArray<A2A.Part>
  /** It asks for credentials. */
  readonly auth: boolean
  readonly task: A2A.Task
}
