/** What every route of one agent works with, and what they all do first and last. */
import type * as A2A from "@a2a-js/sdk"
import { A2AError } from "@a2a-js/sdk/errors"
import type { A2ARequestHandler } from "@a2a-js/sdk/server"
import type * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Cors from "../../Cors.ts"
import type { OpenStreams } from "../../OpenStreams.ts"
import type { TaskAccess, Visitor } from "../../TaskAccess.ts"
import type { AgentEngine } from "../AgentEngine.ts"
import { failed, refusalOf, type Told } from "./refusal.ts"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

export type Binding = "JSONRPC" | "HTTP+JSON"

export interface AgentServer {
  readonly engine: AgentEngine
  /** Where it is on the router, without a slash at its end. */
  readonly path: string
  /** For what the engine does not do: push notifications, cards. */
  readonly handler: A2ARequestHandler
  /** As it is handed out: signed, where it is signed. */
  readonly card: A2A.AgentCard
  /** Versions of the protocol, by binding. */
  readonly offered: Readonly<Record<Binding, ReadonlySet<string>>>
  readonly access: TaskAccess
  readonly streams: OpenStreams["Service"]
  readonly cors: Cors.Cors | undefined
  readonly bodyLimit: ByteSize.ByteSize
  /** Whether clients of A2A 0.3 are served too. */
  readonly legacy: boolean
}

/** Who asks. Before anything else: who may not is told nothing, and its body is not read. */
export const enter = (server: AgentServer, request: Request): Effect.Effect<Visitor, A2AError> =>
  Cors.isForeign(request.headers, server.cors)
    ? Effect.fail(refusalOf(Cors.foreign))
    : Effect.mapErrorEager(server.access.visitor(request), refusalOf)

/** Whatever a route does, the client gets an answer of its protocol, and a defect is for the log only: a throw of `handle` too. */
export const answered = (
  server: AgentServer,
  request: Request,
  handle: () => Effect.Effect<Response, A2AError, Scope.Scope>,
  told: (error: A2AError) => Response
): Effect.Effect<Response, never, Scope.Scope> => {
  const answer = Effect.catchCause(Effect.suspend(handle), (cause): Effect.Effect<Response> => {
    const error = cause.reasons.find(Cause.isFailReason)?.error
    if (error !== undefined && !Cause.hasDies(cause)) return Effect.succeed(told(error))
    if (!Cause.hasDies(cause)) return Effect.failCause(cause as Cause.Cause<never>)
    // Without the query, where a token may stand.
    return Effect.as(Effect.logError(`${request.method} ${request.url.split("?")[0]} failed`, cause), told(failed))
  })
  return server.cors === undefined ? answer : Effect.map(answer, (it) => Cors.open(server.cors, request.headers, it))
}

export const respond = ({ body, headers, status }: Told, contentType: string): Response =>
  HttpServerResponse.text(body, headers === undefined ? { status, contentType } : { status, headers, contentType })

/** What a promise of the SDK's handler comes to. */
export const promised = <A>(run: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, A2AError> =>
  Effect.catch(Effect.tryPromise({ try: run, catch: (error) => error }), (error) =>
    error instanceof A2AError ? Effect.fail(error) : Effect.die(error)
  )
