/**
 * An agent somewhere else, called over A2A: what comes of a message is an Effect, or
 * a Stream of events, and its task is the caller's. Whoever interrupts the caller
 * cancels the task, with the reason, and with it whatever that agent asked of others:
 * a chain of agents stops from its first to its last. It stands between a program
 * and an unreliable network: broken streams are subscribed to anew, and a message
 * whose answer was lost is neither repeated nor forgotten.
 *
 * It speaks through Effect's `HttpClient` and not through the SDK's client: an
 * interrupt closes a connection at once, where an async generator that is parked in
 * `await` ends at its next event; deadlines and traces go along by the middleware that
 * is there; and it runs in virtual time, in which it is cancelled at each of its steps.
 * Of the SDK it has the codecs and the errors.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as Schedule from "effect/Schedule"
import type * as Stream from "effect/Stream"
import * as CancelPolicy from "../../fibers/CancelPolicy.ts"
import type { Draft } from "../../fibers/CancelReason.ts"
import { defaultRetry } from "../internal/client/retrying.ts"
import * as RequestDeadline from "../RequestDeadline.ts"
import type { Content } from "./Content.ts"
import { bindingOf, fetchCard } from "./internal/remote/card.ts"
import { remoteAgentOf } from "./internal/remote/remoteAgent.ts"
import type { CallError, RemoteAgentError } from "./RemoteAgentError.ts"
import type { Answer, Question, SendOptions } from "./RemoteCall.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Applied to the client before use: `HttpClient.mapRequest(HttpClientRequest.bearerToken(token))`, say. */
  readonly transformClient?: ((client: HttpClient.HttpClient) => HttpClient.HttpClient) | undefined
  /** URIs of the extensions that the caller understands. */
  readonly extensions?: ReadonlyArray<string> | undefined
  /**
   * When to try again after a lost connection or an answer that may pass by itself (408, 425, 429, 502, 503, 504), at the
   * earliest after its `Retry-After`. A stream begins it anew when an event came or the connection had lived for five
   * seconds. Default: eight times in about twenty seconds.
   */
  readonly retry?: Schedule.Schedule<unknown, CallError> | undefined
  /**
   * A connection on which nothing comes for so long is taken for broken, and followed by the next. It does not count before
   * the first event of a message, nor while a cancel waits. Default: 45 seconds.
   */
  readonly silence?: Duration.Input | undefined
  /**
   * How long an interrupted call waits for the first event of its message, so that it knows what to cancel; and then again
   * for the answer to its cancel. Default: 5 seconds.
   */
  readonly giveUp?: Duration.Input | undefined
  /** The longest event that is read, in characters. Default: 10 MiB. */
  readonly maxEventSize?: number | undefined
}

/**
 * `E` and `R` are those of its effects.
 *
 * @category models
 * @since 0.1.0
 */
export interface AskOptions<E = never, R = never> extends SendOptions {
  /** Answers what the agent asks for in the middle of the task. Default: none, and `ask` fails with `InputRequired`. */
  readonly onInput?: ((question: Question) => Effect.Effect<Content, E, R>) | undefined
  /** Is given each event before the next is read. After a break the whole task comes once more. */
  readonly onEvent?: ((event: A2A.StreamResponse) => Effect.Effect<unknown, E, R>) | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface RemoteAgent {
  readonly card: A2A.AgentCard
  /**
   * Sends a message and waits for what comes of it.
   *
   * **Details**
   *
   * An interrupt sends `CancelTask` with the reason of the interrupt, and waits for its answer. Before the first event
   * the id of the task is not known: then that is waited for first, and if it does not come the task is looked for by its
   * message. Each wait has its bound (`giveUp`); what could not be cancelled is logged as a warning. A failure to follow the
   * task, and one of `onInput` or `onEvent`, cancels it too.
   *
   * What is left of the caller's deadline goes along as `deadline-ms`.
   */
  readonly ask: <E = never, R = never>(
    content: Content,
    options?: AskOptions<E, R>
  ) => Effect.Effect<Answer, RemoteAgentError | E, R>
  /**
   * Sends a message when it is run, and tells what comes of it, up to and with the end of the task or the question that
   * it asks. How the task ends is in the events, and no failure.
   *
   * **Details**
   *
   * One stream over as many connections as it takes: behind a break comes the whole task, in the place of what was missed.
   * Whoever stops reading before the end, interrupted or not, cancels the task.
   */
  readonly stream: (content: Content, options?: SendOptions) => Stream.Stream<A2A.StreamResponse, CallError>
  /** The task as it is now. */
  readonly get: (taskId: string) => Effect.Effect<A2A.Task, CallError>
  /**
   * Cancels a task of this agent, and answers it as it is then. Fails with `AgentRefused` if it is not known, or has
   * ended in another way.
   */
  readonly cancel: (
    taskId: string,
    reason?: Pick<Draft, "message" | "by" | "detail">
  ) => Effect.Effect<A2A.Task, CallError>
}

/**
 * The agent of a card, or the one whose card is at a URL: that of the card itself, if
 * it ends in `.json`, or that below which `.well-known/agent-card.json` is. Of its
 * interfaces it takes the first that is JSON-RPC or HTTP+JSON of A2A 1.0.
 *
 * @example
 * ```ts
 * const poet = yield* RemoteAgent.make({ url: "http://localhost:41241" })
 * const { text } = yield* poet.ask("A verse about rain")
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options & ({ readonly url: string | URL } | { readonly card: A2A.AgentCard })
): Effect.Effect<RemoteAgent, CallError, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const { extensions, giveUp, maxEventSize, retry, silence, transformClient } = options
    const http = yield* HttpClient.HttpClient
    const shared = {
      http: RequestDeadline.forward()(
        HttpClient.withScope(transformClient === undefined ? http : transformClient(http))
      ),
      extensions: extensions ?? [],
      retry: retry ?? defaultRetry,
      silence: CancelPolicy.bound("silence", silence ?? "45 seconds"),
      giveUp: CancelPolicy.bound("giveUp", giveUp ?? "5 seconds"),
      maxEventSize: maxEventSize ?? 10 * 1024 * 1024
    }
    const card =
      "card" in options
        ? options.card
        : yield* fetchCard({ ...shared, agent: String(options.url) }, String(options.url))
    const agent = card.name
    return remoteAgentOf(card, {
      ...shared,
      agent,
      streams: card.capabilities?.streaming === true,
      binding: yield* bindingOf(agent, card)
    })
  })
