/**
 * What the origin saw of its clients: which requests are open, and which clients left before their answer was sent.
 * Owns these two lists; the socket's own close event fills them, so they are proof that a cancel reached the wire.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Http from "node:http"

export interface ClosedEarly {
  /** Path and query, as requested. */
  readonly url: string
  /** Epoch milliseconds. */
  readonly at: number
}

export interface OriginLedger {
  readonly watch: (request: Http.IncomingMessage, response: Http.ServerResponse) => void
  /** Destroys the socket once what was written is sent, without blaming the client. */
  readonly cut: (response: Http.ServerResponse) => void
  /** From now on the origin itself closes what is open. */
  readonly endUnsafe: () => void
  readonly closedEarly: Effect.Effect<ReadonlyArray<ClosedEarly>>
  readonly openRequests: Effect.Effect<number>
}

/** The path of the ledger itself, which is left out of it. */
export const ledgerPath = "/_ledger"

const kept = 1000

export const make: Effect.Effect<OriginLedger> = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const log = (message: string): unknown => run(Effect.logInfo(message))
  const open = new Set<Http.ServerResponse>()
  const closedEarly: Array<ClosedEarly> = []

  const watch: OriginLedger["watch"] = (request, response) => {
    const url = request.url ?? "/"
    if (url === ledgerPath) return
    const start = clock.currentTimeMillisUnsafe()
    open.add(response)
    log(`${request.method} ${url}`)
    response.once("close", () => {
      if (!open.delete(response) || response.writableFinished) return
      const at = clock.currentTimeMillisUnsafe()
      closedEarly.push({ url, at })
      if (closedEarly.length > kept) closedEarly.shift()
      log(`client closed ${request.method} ${url} after ${at - start} ms`)
    })
  }

  const cut: OriginLedger["cut"] = (response) => {
    open.delete(response)
    response.socket?.destroySoon()
  }

  return {
    watch,
    cut,
    endUnsafe: () => open.clear(),
    closedEarly: Effect.sync(() => closedEarly.slice()),
    openRequests: Effect.sync(() => open.size)
  }
})
