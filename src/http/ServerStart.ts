/**
 * Answers for a Node server from the moment at which it listens until its routes
 * are mounted. Without it, who asks in between waits for an answer that never
 * comes: a load balancer that probes while a connection pool is still being
 * opened, say. `/health` answers 200, everything else 503 with `Retry-After`; an
 * `EventSource`, which a 503 would end for good, gets an empty stream and comes back.
 *
 * @since 0.1.0
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import * as Problem from "./Problem.ts"

/**
 * What is asked of a server: the `Server` of `node:http` has it. Written out, so
 * that the declarations of this package do not need those of Node.
 *
 * @category models
 * @since 0.1.0
 */
export interface Startable {
  readonly on: (event: "request" | "newListener", listener: (...args: Array<any>) => void) => unknown
  readonly off: (event: "request" | "newListener", listener: (...args: Array<any>) => void) => unknown
}

/**
 * The same server, with an answer of its own until another listener for requests
 * is added.
 *
 * ```ts
 * NodeHttpServer.layer(() => ServerStart.answered(ServerClose.promptly(createServer())), { port: 3000 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const answered = <S extends Startable>(server: S): S => {
  answerUntilMounted(server as unknown as Server)
  return server
}

const answerUntilMounted = (server: Server): void => {
  const onListener = (event: string): void => {
    if (event !== "request") return
    server.off("request", early)
    server.off("newListener", onListener)
  }
  server.on("request", early)
  server.on("newListener", onListener)
}

const early = ({ headers, method, url }: IncomingMessage, response: ServerResponse): void => {
  if (method === "GET" && headers.accept?.includes(eventStream) === true) {
    response.writeHead(200, { "content-type": eventStream, ...fresh }).end(": starting\n\n")
    return
  }
  const isHealth = url !== undefined && /^\/health(?:$|\?)/.test(url)
  const [status, body, contentType] = isHealth
    ? [200, { status: "starting" }, "application/json"]
    : [503, Problem.toDocument(starting), Problem.contentType]
  response.writeHead(status, { ...starting.headers, "content-type": contentType, ...fresh }).end(JSON.stringify(body))
}

const eventStream = "text/event-stream"
const fresh = { "cache-control": "no-store" }

const starting = new Problem.Problem({
  code: "starting",
  detail: "The server listens, but its routes are not mounted yet; try again in a moment",
  headers: { "retry-after": "1" }
})
