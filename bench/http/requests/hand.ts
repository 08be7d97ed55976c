/** `node:http` with JSON by hand: routes by a regular expression, checks by `typeof`, a limit on the body. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { RequestServer } from "../Contestant.ts"
import { listen } from "../listen.ts"
import { isCall, isPayload, WaitingTasks } from "./waiting.ts"

const limit = 65_536

/** Calls back with the parsed body, or answers that it cannot be had. */
const readJson = (request: IncomingMessage, response: ServerResponse, use: (body: unknown) => void): void => {
  const pieces: Array<Buffer> = []
  let size = 0
  request.on("data", (piece: Buffer) => {
    size += piece.length
    pieces.push(piece)
    if (size > limit) {
      answer(response, 413, { title: "The body is too large" })
      request.destroy()
    }
  })
  request.on("end", () => {
    let body: unknown
    try {
      body = JSON.parse(Buffer.concat(pieces).toString())
    } catch {
      return answer(response, 400, { title: "The body is not JSON" })
    }
    use(body)
  })
}

const answer = (response: ServerResponse, status: number, body: unknown, headers?: Record<string, string>): void => {
  const text = JSON.stringify(body)
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers })
    .end(text)
}

export const hand = async (): Promise<RequestServer> => {
  const tasks = new WaitingTasks()
  const server = createServer((request, response) => {
    if (request.method === "POST" && request.url === "/tasks/wait") {
      return readJson(request, response, (body) => {
        if (!isPayload(body)) return answer(response, 400, { title: "The request is not valid" })
        const started = tasks.start()
        answer(response, 202, started, { location: started.links.self })
      })
    }
    const id = /^\/tasks\/([\w.:-]{1,100})\/cancel$/.exec(request.url!)?.[1]
    if (request.method !== "POST" || id === undefined) return answer(response, 404, { title: "There is nothing here" })
    readJson(request, response, (body) => {
      if (!isCall(body)) return answer(response, 400, { title: "The request is not valid" })
      void tasks.cancel(id, body).then((result) => {
        if (result === undefined) answer(response, 404, { title: "There is no such task" })
        else answer(response, 200, result)
      })
    })
  })
  return { port: await listen(server), left: async () => tasks.size }
}
