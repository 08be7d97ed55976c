/** The same streams where there is no response of Node below. */
import { describe, expect, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as A2AServer from "../../../src/http/a2a/A2AServer.ts"
import type * as Agent from "../../../src/http/a2a/Agent.ts"
import { eventsOf, message, obedient, stateOf, version } from "./hosting.ts"

const webHandler = (agent: Agent.Agent<never>, heartbeat: Duration.Input) => {
  const { dispose, handler } = HttpRouter.toWebHandler(
    A2AServer.layer(agent, { url: "http://localhost/", heartbeat }).pipe(Layer.provide(Tasks.layer())),
    { disableLogger: true }
  )
  const post = (path: string, body: unknown) =>
    handler(
      new Request(`http://localhost${path}`, {
        method: "POST",
        headers: { ...version, "content-type": "application/json" },
        body: JSON.stringify(body)
      })
    )
  return { dispose, post }
}

describe("A2AServer, elsewhere", () => {
  it.live("a web handler sends the same events, and says that it lives", () =>
    Effect.promise(async () => {
      const { dispose, post } = webHandler(obedient().agent, "10 millis")
      const params = message("hang")
      const response = await post("/", { jsonrpc: "2.0", id: 1, method: "SendStreamingMessage", params })
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"])
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ""
      while (!text.includes(": ping\n\n: ping")) text += (await reader.read()).value
      const { id } = eventsOf(text)[0].result.task
      await post(`/tasks/${id}:cancel`, {})
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value
      const events = eventsOf(text).map(({ result }) => stateOf(result.task ?? result.statusUpdate))
      expect(events).toEqual(["SUBMITTED", "WORKING", "CANCELED"])
      await dispose()
    })
  )

  it.live("who cancels the body of a web handler follows no more", () =>
    Effect.promise(async () => {
      const { agent, stopped } = obedient({ onDisconnect: "cancel" })
      const { dispose, post } = webHandler(agent, "1 hour")
      const { body } = await post("/message:stream", message("hang"))
      const reader = body!.getReader()
      await reader.read()
      await reader.cancel()
      await Effect.runPromise(stopped)
      await dispose()
    })
  )
})
