/** Hono on Node, with its body limit and the checks by hand. */
import type { Server } from "node:http"
import { createAdaptorServer } from "@hono/node-server"
import { Hono } from "hono"
import { bodyLimit } from "hono/body-limit"
import type { RequestServer } from "../Contestant.ts"
import { listen } from "../listen.ts"
import { isCall, isPayload, WaitingTasks } from "./waiting.ts"

export const hono = async (): Promise<RequestServer> => {
  const tasks = new WaitingTasks()
  const app = new Hono()
  app.use(bodyLimit({ maxSize: 65_536 }))
  app.post("/tasks/wait", async (context) => {
    const body: unknown = await context.req.json()
    if (!isPayload(body)) return context.json({ title: "The request is not valid" }, 400)
    const started = tasks.start()
    return context.json(started, 202, { location: started.links.self })
  })
  app.post("/tasks/:id/cancel", async (context) => {
    const body: unknown = await context.req.json()
    if (!isCall(body)) return context.json({ title: "The request is not valid" }, 400)
    const result = await tasks.cancel(context.req.param("id"), body)
    return result === undefined ? context.json({ title: "There is no such task" }, 404) : context.json(result)
  })
  return {
    port: await listen(createAdaptorServer({ fetch: app.fetch }) as Server),
    left: async () => tasks.size
  }
}
