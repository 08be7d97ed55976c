/** Fastify with JSON schemas of both bodies and both answers, as its users write it. */
import type { AddressInfo } from "node:net"
import { fastify as makeFastify } from "fastify"
import type { RequestServer } from "../Contestant.ts"
import { type Call, WaitingTasks } from "./waiting.ts"

const text = { type: "string" } as const

const payload = { type: "object", properties: { label: text } } as const

const patience = { anyOf: [text, { type: "number" }] } as const

const call = {
  type: "object",
  properties: {
    reason: { type: "object", properties: { message: text, by: text, detail: {} } },
    grace: patience,
    giveUp: patience,
    wait: { type: "boolean" }
  }
} as const

const started = {
  type: "object",
  properties: {
    id: text,
    name: text,
    attempt: { type: "integer" },
    links: { type: "object", properties: { self: text, events: text, cancel: text } }
  }
} as const

const cancelled = {
  type: "object",
  properties: {
    _tag: text,
    id: text,
    reason: { type: "object", properties: { source: text, message: text, by: text, scope: text, at: text } },
    how: text,
    took: { type: "number" }
  }
} as const

export const fastify = async (): Promise<RequestServer> => {
  const tasks = new WaitingTasks()
  const app = makeFastify({ bodyLimit: 65_536 })
  app.post("/tasks/wait", { schema: { body: payload, response: { 202: started } } }, (_, reply) => {
    const task = tasks.start()
    void reply.code(202).header("location", task.links.self)
    return reply.send(task)
  })
  app.post<{ readonly Params: { readonly id: string }; readonly Body: Call }>(
    "/tasks/:id/cancel",
    { schema: { body: call, response: { 200: cancelled } } },
    async (request, reply) => {
      const result = await tasks.cancel(request.params.id, request.body)
      return result ?? reply.code(404).send({ title: "There is no such task" })
    }
  )
  await app.listen({ port: 0, host: "127.0.0.1", backlog: 2048 })
  return { port: (app.server.address() as AddressInfo).port, left: async () => tasks.size }
}
