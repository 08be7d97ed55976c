/** A server of Node that is patient with no client: not with slow requests, not at its close. */
import { createServer, type Server, type ServerResponse } from "node:http"
import * as ServerClose from "../../http/ServerClose.ts"

// The defaults of Node let a client take five minutes over its request.
const patience = { requestTimeout: 30_000, headersTimeout: 10_000 }

/** It listens before its routes are mounted: who comes in between is told so instead of waiting for ever. */
const starting = (_: unknown, response: ServerResponse) => response.writeHead(503, { "retry-after": "1" }).end()

export const promptServer = (): Server => {
  const server = ServerClose.promptly(createServer(patience), { within: "1 second" })
  server.on("request", starting)
  server.on("newListener", (event) => {
    if (event === "request") server.off("request", starting)
  })
  return server
}
