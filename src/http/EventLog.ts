/**
 * The events of one subject, such as a task, on their way to any number of
 * clients: append-only, bounded, each event encoded once. Appending never waits
 * and runs no client's code; what was appended in one turn goes to all clients
 * that are up to date as one piece of bytes, in the next turn. A client that is
 * slower stands at its own place in the log, and when it has fallen off the log's
 * end it is told what it missed. `EventStream.respond` sends a log to a client;
 * a task server keeps one for each task.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import { LogNode } from "./internal/stream/logNode.ts"

/**
 * Events are numbered from 1 without a gap; their ids on the wire are the prefix
 * and the number.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventLog {
  readonly prefix: string
  /** The number of the oldest event that is kept; past `last` if none is. */
  readonly first: number
  /** The number of the newest event. */
  readonly last: number
  /** Whether the newest event is the last one for ever. */
  readonly ended: boolean
  /** How many clients it is being sent to. */
  readonly readers: number
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How many events are kept for clients that come back or are slow. Default: 1,024. */
  readonly events?: number | undefined
  /** How many characters of encoded events are kept at most, but for the newest event. Default: 1,048,576. */
  readonly characters?: number | undefined
  /**
   * Stands before the number in the id of each event, so that clients of an earlier log are not taken for ours:
   * letters, digits, `.`, `_` and `-`. Default: none.
   */
  readonly prefix?: string | undefined
}

/**
 * One event as it is sent; without a name it is a `message` to an EventSource.
 *
 * @category models
 * @since 0.1.0
 */
export interface Event {
  readonly event?: string | undefined
  readonly data: Json
}

/**
 * An empty log, which belongs to whoever holds it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): Effect.Effect<EventLog> =>
  Effect.withFiber((fiber) => Effect.sync(() => new LogNode(fiber.currentDispatcher, options)))

/**
 * Appends an event; a log that has ended takes none and answers false. Safe to
 * call in the middle of a step: nobody is written to before the next turn.
 *
 * @category appending
 * @since 0.1.0
 */
export const appendUnsafe = (log: EventLog, event: Event): boolean => (log as LogNode).append(event)

/**
 * Appends the last event: every stream ends behind it. False if the log had ended.
 *
 * @category appending
 * @since 0.1.0
 */
export const endUnsafe = (log: EventLog, event: Event): boolean => (log as LogNode).end(event)

/**
 * @category appending
 * @since 0.1.0
 */
export const append = (log: EventLog, event: Event): Effect.Effect<boolean> =>
  Effect.sync(() => appendUnsafe(log, event))

/**
 * @category appending
 * @since 0.1.0
 */
export const end = (log: EventLog, event: Event): Effect.Effect<boolean> => Effect.sync(() => endUnsafe(log, event))
