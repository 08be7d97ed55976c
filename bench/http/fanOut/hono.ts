/** Hono on Node with `streamSSE`: the data is encoded once, `writeSSE` writes it to each stream, and waits for none. */
import type { Server } from "node:http"
import { createAdaptorServer } from "@hono/node-server"
import { Hono } from "hono"
import { type SSEStreamingApi, streamSSE } from "hono/streaming"
import type { FanOutServer } from "../Contestant.ts"
import { listen } from "../listen.ts"
import { Broadcast } from "./Broadcast.ts"
import type { Event } from "./frames.ts"

const messageOf = ({ data, id, name }: Event) => ({ id, event: name, data: JSON.stringify(data) })

export const hono = async (): Promise<FanOutServer> => {
  /** With what ends the stream. */
  const streams = new Map<SSEStreamingApi, () => void>()
  let task: Broadcast
  /** The last event to all. */
  let last: Promise<unknown> = Promise.resolve()
  const app = new Hono()
  app.get("/tasks/:id/events", (context) =>
    streamSSE(context, async (stream) => {
      const ended = new Promise<void>((resolve) => {
        streams.set(stream, resolve)
        stream.onAbort(resolve)
      })
      await stream.writeSSE(messageOf(task.started()))
      await ended
      streams.delete(stream)
    })
  )
  app.post("/tasks/:id/cancel", (context) => {
    const answer = task.cancel()
    // `writeSSE` begins its write a little later, and would find the stream closed.
    void last.then(() => {
      for (const end of streams.values()) end()
    })
    return context.json(answer)
  })
  return {
    port: await listen(createAdaptorServer({ fetch: app.fetch }) as Server),
    open: async (id) => {
      task = new Broadcast(id, (event) => {
        const message = messageOf(event)
        last = Promise.all(Array.from(streams.keys(), (stream) => stream.writeSSE(message)))
      })
      return {
        events: `/tasks/${id}/events`,
        cancel: `/tasks/${id}/cancel`,
        emit: (count, mode) => task.emit(count, mode)
      }
    },
    left: async () => streams.size
  }
}
