/**
 * The baseline: what one writes with `node:http` in an afternoon. Each event is encoded once and written to each
 * response; it asks no socket whether it is full.
 */
import { createServer, type ServerResponse } from "node:http"
import type { FanOutServer } from "../Contestant.ts"
import { listen } from "../listen.ts"
import { Broadcast } from "./Broadcast.ts"
import { streamHeaders, textOf } from "./frames.ts"

export const hand = async (): Promise<FanOutServer> => {
  const clients = new Set<ServerResponse>()
  let task: Broadcast
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      request.resume()
      const answer = JSON.stringify(task.cancel())
      for (const client of clients) client.end()
      response.writeHead(200, { "content-type": "application/json", "content-length": answer.length }).end(answer)
      return
    }
    response.writeHead(200, streamHeaders)
    response.write(`: open\n\n${textOf(task.started())}`)
    clients.add(response)
    response.on("close", () => clients.delete(response))
  })
  return {
    port: await listen(server),
    open: async (id) => {
      task = new Broadcast(id, (event) => {
        const bytes = Buffer.from(textOf(event))
        for (const client of clients) client.write(bytes)
      })
      return {
        events: `/tasks/${id}/events`,
        cancel: `/tasks/${id}/cancel`,
        emit: (count, mode) => task.emit(count, mode)
      }
    },
    left: async () => clients.size
  }
}
