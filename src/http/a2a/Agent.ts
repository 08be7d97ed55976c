/**
 * An agent that others talk to over A2A, written as one Effect, or one Stream, from
 * a message to what comes of it. Nothing in it is about cancels: `CancelTask`
 * interrupts it, clean-up is what its scope and finalizers do, and the task ends as
 * CANCELED whatever it does then. A failure ends it as FAILED, with the failure's
 * message.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"
import { timeLimit } from "../internal/timeLimit.ts"
import type { Content } from "./Content.ts"
import { checkOptions } from "./internal/checkOptions.ts"
import type { Turn } from "./Turn.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Agent<out R> {
  readonly name: string
  readonly description: string
  readonly version: string
  readonly skills: ReadonlyArray<A2A.AgentSkill>
  readonly inputModes: ReadonlyArray<string>
  /** Whether a message with a part of another media type is refused. */
  readonly strictInput: boolean
  readonly outputModes: ReadonlyArray<string>
  readonly extensions: ReadonlyArray<A2A.AgentExtension>
  readonly run: (turn: Turn) => Run<R>
  /** What becomes of a running task when it is told to stop. */
  readonly cancel: CancelPolicy.CancelPolicy
  readonly onDisconnect: "keep" | "cancel"
  readonly linger: Duration.Duration | undefined
  readonly onShutdown: "finish" | "cancel"
  readonly timeLimit: Duration.Duration | undefined
  readonly partialResult: boolean
}

/**
 * What comes of a message. A value is published as the artifact `result` before the
 * task is COMPLETED; the elements of a stream are published as they come, each
 * appended to that artifact.
 *
 * @category models
 * @since 0.1.0
 */
export type Run<R, E = unknown> = Effect.Effect<Content | void, E, R> | Stream.Stream<Content, E, R>

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<E, R> {
  readonly description: string
  /** Of the agent, on its card. Default: `"1.0.0"`. */
  readonly version?: string | undefined
  /** What it can do, on its card. Default: one skill, with the agent's own name and description. */
  readonly skills?: ReadonlyArray<Pick<A2A.AgentSkill, "id" | "name" | "description"> & Partial<A2A.AgentSkill>>
  /** Media types; a message with a part of another is refused. Default: `text/plain` on the card, and none is refused. */
  readonly inputModes?: ReadonlyArray<string> | undefined
  /** Media types. Default: `text/plain`. */
  readonly outputModes?: ReadonlyArray<string> | undefined
  readonly extensions?: ReadonlyArray<Pick<A2A.AgentExtension, "uri"> & Partial<A2A.AgentExtension>> | undefined
  /** Resources that it acquires in its scope live until the task has ended. */
  readonly run: (turn: Turn) => Run<R, E>
  /** How long a cancelled task may go on by itself before it is interrupted. Default: not at all. */
  readonly grace?: Duration.Input | undefined
  /**
   * How long a cancel waits until the task has ended; then it is CANCELED all the same, and what still runs is listed
   * as a straggler. Default: 2 seconds. `Infinity`: as long as it takes.
   */
  readonly giveUp?: Duration.Input | undefined
  /**
   * What happens when the last client that follows a task, by a stream or by waiting for its answer, has left. Default:
   * `"keep"`, as A2A has it.
   */
  readonly onDisconnect?: "keep" | "cancel" | undefined
  /**
   * With `onDisconnect: "cancel"`: how long to wait for a client to come back, or to answer a question. Default: not at
   * all, but for an answer as long as it takes.
   */
  readonly linger?: Duration.Input | undefined
  /** What a drain of the server does with it first; see `Drain`. Default: `"finish"`. */
  readonly onShutdown?: "finish" | "cancel" | undefined
  /** How long a task may take, the time of its questions included, before it is cancelled with the source `timeout`. */
  readonly timeLimit?: Duration.Input | undefined
  /** Whether a cancelled task publishes what `turn.partial` was given last, as the artifact `partial`. Default: false. */
  readonly partialResult?: boolean | undefined
}

/**
 * ```ts
 * const poet = Agent.make("poet", {
 *   description: "Writes verses about anything",
 *   run: ({ text }) => LanguageModel.streamText({ prompt: text }).pipe(…)
 * })
 * ```
 *
 * Options that no type has checked, and that are wrong, throw a `TypeError` that names
 * the field; a duration that is none throws `InvalidDuration`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <E, R>(name: string, options: Options<E, R>): Agent<Exclude<R, Scope.Scope>> => {
  checkOptions(name, options)
  return {
    name,
    description: options.description,
    version: options.version ?? "1.0.0",
    skills: (options.skills ?? [{ id: name, name, description: options.description }]).map((skill) => ({
      tags: [],
      examples: [],
      inputModes: [],
      outputModes: [],
      securityRequirements: [],
      ...skill
    })),
    inputModes: options.inputModes ?? ["text/plain"],
    strictInput: options.inputModes !== undefined,
    outputModes: options.outputModes ?? ["text/plain"],
    extensions: (options.extensions ?? []).map((extension) => ({
      description: "",
      required: false,
      params: undefined,
      ...extension
    })),
    run: options.run as never,
    cancel: CancelPolicy.make({ grace: options.grace, giveUp: options.giveUp ?? CancelPolicy.agent.giveUp }),
    onDisconnect: options.onDisconnect ?? "keep",
    linger: options.linger === undefined ? undefined : CancelPolicy.bound("linger", options.linger),
    onShutdown: options.onShutdown ?? "finish",
    timeLimit: timeLimit("timeLimit", options.timeLimit),
    partialResult: options.partialResult ?? false
  }
}
