/**
 * What the program of an agent works with: the message that started the task, and
 * the ways to publish. Nothing of it needs to look out for a cancel: a cancelled
 * task is interrupted, and what it says afterwards goes nowhere.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import type { ServerCallContext } from "@a2a-js/sdk/server"
import type * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import * as Schema from "effect/Schema"
import type * as Deadline from "../../combinators/Deadline.ts"
import type * as Task from "../../fibers/Task.ts"
import type * as TimeLimits from "../../fibers/TimeLimits.ts"
import type { Content } from "./Content.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface ArtifactOptions {
  /** Of another artifact of this task with that id, it is the next version or, with `append`, the next piece. Default: a new one. */
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  /** Adds to what the artifact has so far. */
  readonly append?: boolean | undefined
  /** Tells clients that nothing will be appended any more. */
  readonly last?: boolean | undefined
  readonly metadata?: Readonly<Record<string, Json>> | undefined
  readonly extensions?: ReadonlyArray<string> | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Turn {
  readonly taskId: string
  /** Groups the tasks of one conversation. */
  readonly contextId: string
  /** The message that started the task. */
  readonly message: A2A.Message
  /** The text parts of that message, joined. */
  readonly text: string
  /** All that came with it: metadata, accepted output modes. */
  readonly request: A2A.SendMessageRequest
  /** Who asks: user, tenant, requested extensions. */
  readonly call: ServerCallContext
  /** The tasks that the message refers to, as they are now; those of others, and unknown ones, are left out. */
  readonly references: ReadonlyArray<A2A.Task>
  /** This task as clients see it. */
  readonly task: Effect.Effect<A2A.Task>
  /**
   * Tells how it is going: a status with a message, WORKING. While another fiber of the agent asks, the task still does:
   * the message comes with the state of the question, which stays the task's status, and stands in its history.
   */
  readonly say: (content: Content, metadata?: Readonly<Record<string, Json>>) => Effect.Effect<void>
  /** Publishes a result, or a piece of one. */
  readonly artifact: (content: Content, options?: ArtifactOptions) => Effect.Effect<void>
  /**
   * Asks for input (INPUT_REQUIRED) and waits for the next message to this task. Meanwhile a cancel is a cancel like
   * any other, and a task that is being stopped asks nothing any more: there it is interrupted. Two questions of one
   * task are asked one after the other.
   */
  readonly ask: (question: Content) => Effect.Effect<A2A.Message>
  /** The same, for credentials (AUTH_REQUIRED). */
  readonly askForAuth: (question: Content) => Effect.Effect<A2A.Message>
  /** What it would hand out if it were cancelled now: the latest counts. Published with the cancel if the agent has `partialResult`. */
  readonly partial: (content: Content) => Effect.Effect<void>
  /** Ends the task: the agent will not do that (REJECTED). */
  readonly reject: (why: Content) => Effect.Effect<never, Rejected>
  /** The last step, which a cancel can no longer undo: see `Task.commit`. */
  readonly commit: typeof Task.commit
  /** Asks for more time than the time limit gives. */
  readonly extend: typeof TimeLimits.extend
  readonly timeLeft: typeof Deadline.remaining
}

/**
 * The agent will not do what it was asked for.
 *
 * @category errors
 * @since 0.1.0
 */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", {
  /** Content, as in `Content.ts`. */
  why: Schema.Any
}) {
  override get message(): string {
    return typeof this.why === "string" ? this.why : "The agent rejected the task"
  }
}
