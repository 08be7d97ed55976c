/**
 * What the SDK's translation of A2A 0.3 calls for one request. It keeps what came
 * of the calls: an error of the engine is told from one that the SDK threw over
 * what it was given; a wait is ended with the request; and so are streams, which
 * the SDK would leave only at their next event.
 */
import type { StreamResponse } from "@a2a-js/sdk"
import type { A2ARequestHandler } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import type { AgentServer } from "./agentServer.ts"

type Generator = AsyncGenerator<StreamResponse, void, undefined>

export class LegacyCall {
  /** Whether the SDK came so far as to call anything. */
  reached = false
  /** What that failed with. */
  raised: { readonly error: unknown } | undefined = undefined
  private readonly server: AgentServer
  private readonly open: Array<Generator> = []

  constructor(server: AgentServer) {
    this.server = server
  }

  handler(signal: AbortSignal): A2ARequestHandler {
    const { engine, handler } = this.server
    const calls: A2ARequestHandler = {
      ...handler,
      sendMessage: (params, call) => Effect.runPromiseWith(engine.context)(engine.answer(params, call), { signal }),
      sendMessageStream: (params, call) => this.follow(handler.sendMessageStream(params, call)),
      resubscribe: (params, call) => this.follow(handler.resubscribe(params, call))
    }
    const told = this.told
    return new Proxy(calls, {
      get: (_, name: keyof A2ARequestHandler) => (name === "getAgentCard" ? () => calls[name]() : told(calls[name]))
    })
  }

  private readonly told = (run: (...args: ReadonlyArray<never>) => unknown): unknown => {
    return (...args: ReadonlyArray<never>) => {
      this.reached = true
      const result = run(...args)
      return result instanceof Promise
        ? result.catch((error: unknown) => {
            this.raised = { error }
            return Promise.reject(error)
          })
        : result
    }
  }

  private follow(generator: Generator): Generator {
    this.open.push(generator)
    return generator
  }

  /** Ends its streams. */
  readonly end = (): void => {
    for (const generator of this.open) void generator.return()
  }
}
