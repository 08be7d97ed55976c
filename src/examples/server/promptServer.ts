/** A server of Node that is patient with no client: not with slow requests, not at its close. */
import { createServer, type Server } from "node:http"
import * as ServerClose from "../../http/ServerClose.ts"
import * as ServerStart from "../../http/ServerStart.ts"

// The defaults of Node let a client take five minutes over its request.
const patience = { requestTimeout: 30_000, headersTimeout: 10_000 }

export const promptServer = (): Server =>
  ServerStart.answered(ServerClose.promptly(createServer(patience), { within: "1 second" }))
