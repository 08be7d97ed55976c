/** What `RemoteAgent` describes, over a wire. */
import { Role } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as CancelReason from "../../../../fibers/CancelReason.ts"
import { randomId } from "../../../internal/client/randomId.ts"
import { retryingWhile } from "../../../internal/client/retrying.ts"
import { type Content, toParts } from "../../Content.ts"
import type { AskOptions, RemoteAgent } from "../../RemoteAgent.ts"
import { type CallError, InputRequired, type RemoteAgentError } from "../../RemoteAgentError.ts"
import type { Answer, SendOptions } from "../../RemoteCall.ts"
import { cancelTask, getTask } from "./calls.ts"
import { Conversation } from "./conversation.ts"
import { endOf, questionOf } from "./ending.ts"
import { isTransient, type Wire } from "./wire.ts"

export const remoteAgentOf = (card: A2A.AgentCard, wire: Wire): RemoteAgent => {
  const patiently = <A>(call: Effect.Effect<A, CallError>): Effect.Effect<A, CallError> =>
    Effect.retry(call, retryingWhile(wire.retry, isTransient))
  return {
    card,
    ask: (content, options = {}) => ask(wire, content, options),
    stream: (content, options = {}) => stream(wire, content, options),
    get: (id) => patiently(getTask(wire, id)),
    cancel: (id, reason) => patiently(cancelTask(wire, id, CancelReason.request(reason)))
  }
}

const ask = <E, R>(
  wire: Wire,
  content: Content,
  options: AskOptions<E, R>,
  question?: A2A.TaskStatus
): Effect.Effect<Answer, RemoteAgentError | E, R> =>
  Effect.suspend(() => {
    const { onEvent, onInput } = options
    const conversation = new Conversation(wire, options, onInput !== undefined, question)
    const { view } = conversation
    const toTheEnd = Effect.gen(function* () {
      let message = yield* messageOf(content, options)
      while (true) {
        const events = conversation.turn(message)
        yield* onEvent === undefined ? Stream.runDrain(events) : Stream.runForEach(events, onEvent)
        const task = conversation.asks ? view.now : undefined
        if (task === undefined) return yield* endOf(wire.agent, view)
        if (onInput === undefined) return yield* Effect.fail(inputRequired(wire, task))
        const { contextId, id: taskId } = task
        message = yield* messageOf(yield* onInput(questionOf(task)), { taskId, contextId })
      }
    })
    return Effect.onExit(toTheEnd, (exit) => conversation.leave(whyLeft(exit, "The caller failed")))
  })

const inputRequired = (wire: Wire, task: A2A.Task): InputRequired =>
  new InputRequired({
    agent: wire.agent,
    task,
    auth: questionOf(task).auth,
    answer: (content, options) => {
      const { contextId, id: taskId, status } = task
      return ask(wire, content, { ...options, taskId, contextId }, status)
    }
  })

const stream = (wire: Wire, content: Content, options: SendOptions): Stream.Stream<A2A.StreamResponse, CallError> =>
  Stream.suspend(() => {
    const conversation = new Conversation(wire, options, false)
    return Stream.unwrap(Effect.map(messageOf(content, options), (message) => conversation.turn(message))).pipe(
      Stream.onExit((exit) => conversation.leave(whyLeft(exit, "Nobody reads the answer any more")))
    )
  })

/** The reason of the caller's own cancel, if it has one. */
const whyLeft = (
  exit: Exit.Exit<unknown, unknown>,
  otherwise: string
): Effect.Effect<CancelReason.CancelReason | CancelReason.Draft> =>
  Effect.map(
    CancelReason.current,
    Option.getOrElse(() =>
      exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
        ? CancelReason.interrupt({ message: "The caller was interrupted" })
        : CancelReason.scopeClosed({ message: otherwise })
    )
  )

const messageOf = (content: Content, options: SendOptions): Effect.Effect<A2A.Message> =>
  Effect.map(
    options.messageId === undefined ? randomId("message") : Effect.succeed(options.messageId),
    (messageId) => ({
      messageId,
      contextId: options.contextId ?? "",
      taskId: options.taskId ?? "",
      role: Role.ROLE_USER,
      parts: toParts(content),
      metadata: undefined,
      extensions: [],
      referenceTaskIds: Array.from(options.referenceTaskIds ?? [])
    })
  )
