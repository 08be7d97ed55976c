/** `better-sse` on `node:http`: a session a client, a channel for all, `broadcast` for each event. */
import { createServer, type ServerResponse } from "node:http"
import { createChannel, createSession } from "better-sse"
import type { FanOutServer } from "../Contestant.ts"
import { listen } from "../listen.ts"
import { Broadcast } from "./Broadcast.ts"

export const betterSse = async (): Promise<FanOutServer> => {
  const responses = new Set<ServerResponse>()
  let channel = createChannel()
  let task: Broadcast
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      request.resume()
      const answer = JSON.stringify(task.cancel())
      for (const client of responses) client.end()
      response.writeHead(200, { "content-type": "application/json", "content-length": answer.length }).end(answer)
      return
    }
    responses.add(response)
    response.on("close", () => responses.delete(response))
    void createSession(request, response, { retry: null }).then((session) => {
      const { data, id, name } = task.started()
      session.push(data, name, id)
      channel.register(session)
    })
  })
  return {
    port: await listen(server),
    open: async (id) => {
      const current = createChannel()
      channel = current
      task = new Broadcast(id, (event) => current.broadcast(event.data, event.name, { eventId: event.id }))
      return {
        events: `/tasks/${id}/events`,
        cancel: `/tasks/${id}/cancel`,
        emit: (count, mode) => task.emit(count, mode)
      }
    },
    left: async () => responses.size
  }
}
