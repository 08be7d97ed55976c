/**
 * An HTTP server to fetch from, for machines without a network: it answers slowly, stalls, fails and floods on demand
 * (`GET /` lists the routes). Its ledger tells which clients closed their socket before the answer was sent, which is how
 * a test or a reader sees that a cancelled fetch let go. It owns its sockets: closing the scope destroys them.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type * as Net from "node:net"
import * as OriginLedger from "./originLedger.ts"
import { routes } from "./originRoutes.ts"

export class OriginError extends Schema.TaggedError<OriginError>()("OriginError", {
  host: Schema.String,
  port: Schema.Int,
  message: Schema.String,
  cause: Schema.Defect()
}) {}

export interface OriginOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Default 127.0.0.1: nobody but this machine. */
  readonly host?: string
}

export interface Origin {
  /** Without a slash at the end. */
  readonly url: string
  readonly port: number
  readonly closedEarly: Effect.Effect<ReadonlyArray<OriginLedger.ClosedEarly>>
  readonly openRequests: Effect.Effect<number>
}

export const make = (options: OriginOptions): Effect.Effect<Origin, OriginError, Scope.Scope> =>
  Effect.gen(function* () {
    const { port: wanted, host = "127.0.0.1" } = options
    const server = http.createServer()
    const ledger = yield* OriginLedger.make
    server.on("request", ledger.watch)

    const listening = yield* NodeHttpServer.make(() => server, {
      port: wanted,
      host,
      disablePreemptiveShutdown: true
    }).pipe(
      Effect.mapError(({ cause }) => new OriginError({ host, port: wanted, message: cannotListen(cause), cause }))
    )
    yield* Effect.flatMap(HttpRouter.toHttpEffect(routes(ledger)), listening.serve)
    yield* Effect.addFinalizer(() => closeAll(server, ledger))

    const { port } = server.address() as Net.AddressInfo
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`
    yield* Effect.logInfo(`origin listens on ${url}`)
    return { url, port, closedEarly: ledger.closedEarly, openRequests: ledger.openRequests }
  })

// Runs before the server's own finalizers, which would wait for a client that does not read.
const closeAll = (server: http.Server, ledger: OriginLedger.OriginLedger): Effect.Effect<void> =>
  // oxlint-disable-next-line rescind/callback-clean-up -- a finalizer: nothing interrupts it
  Effect.callback<void>((resume) => {
    ledger.endUnsafe()
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

const cannotListen = (cause: unknown): string =>
  `The origin cannot listen: ${cause instanceof Error ? cause.message : String(cause)}. Choose another port or host.`
