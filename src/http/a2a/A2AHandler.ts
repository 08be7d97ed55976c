/**
 * An engine as the SDK's `A2ARequestHandler`, so that it serves any of the SDK's
 * transports: express, JSON-RPC, gRPC, or your own. Nothing here owns a task: a
 * call whose client has left goes on or not, the task does.
 *
 * @since 0.1.0
 */
import type * as A2A from "@a2a-js/sdk"
import { ExtendedAgentCardNotConfiguredError, UnsupportedOperationError } from "@a2a-js/sdk/errors"
import type { A2ARequestHandler, ServerCallContext } from "@a2a-js/sdk/server"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgentEngine, AgentEvent } from "./AgentEngine.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The card for who is authenticated, if the card says that there is one. */
  readonly extendedCard?: ((call: ServerCallContext) => Effect.Effect<A2A.AgentCard>) | undefined
  /** Signs cards as they are handed out. */
  readonly sign?: ((card: A2A.AgentCard) => Effect.Effect<A2A.AgentCard>) | undefined
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = (engine: AgentEngine, options?: Options): A2ARequestHandler => {
  const sign = options?.sign ?? Effect.succeed
  const run = Effect.runPromiseWith(engine.context)
  const generator = generatorWith(engine.context)
  return {
    getAgentCard: () => run(sign(engine.card)),
    getAuthenticatedExtendedAgentCard: (_, call) => run(Effect.flatMap(extended(engine, options, call), sign)),
    sendMessage: (request, call) => run(engine.answer(request, call)),
    sendMessageStream: (request, call) => generator(Effect.map(engine.send(request, call), ({ events }) => events)),
    resubscribe: (request, call) => generator(engine.subscribe(request, call)),
    getTask: (request, call) => run(engine.get(request, call)),
    listTasks: (request, call) => run(engine.list(request, call)),
    cancelTask: (request, call) => run(engine.cancel(request, call)),
    createTaskPushNotificationConfig: (config, call) => run(engine.push.create(config, call)),
    getTaskPushNotificationConfig: (request, call) => run(engine.push.get(request, call)),
    listTaskPushNotificationConfigs: (request, call) => run(engine.push.list(request, call)),
    deleteTaskPushNotificationConfig: (request, call) => run(engine.push.delete(request, call))
  }
}

const extended = (engine: AgentEngine, options: Options | undefined, call: ServerCallContext) => {
  if (engine.card.capabilities?.extendedAgentCard !== true) {
    return Effect.fail(new UnsupportedOperationError("The agent has no extended card"))
  }
  return options?.extendedCard?.(call) ?? Effect.fail(new ExtendedAgentCardNotConfiguredError())
}

/** Its `return` ends the reading at once; that of an `async function*` waits for the next event. */
const generatorWith =
  (context: Context.Context<never>) =>
  <E>(events: Effect.Effect<Stream.Stream<AgentEvent>, E>): AsyncGenerator<A2A.StreamResponse, void, undefined> => {
    const responses = Stream.map(Stream.unwrap(events), ({ response }) => response)
    const iterable = Stream.toAsyncIterableWith(responses, context)
    const iterator = iterable[Symbol.asyncIterator]() as AsyncGenerator<A2A.StreamResponse, void, undefined>
    return Object.assign(iterator, {
      [Symbol.asyncIterator]: () => iterator,
      [Symbol.asyncDispose]: () => iterator.return().then(() => {})
    })
  }
